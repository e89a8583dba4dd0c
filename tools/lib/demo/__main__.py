"""See tools/demo."""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

from tools.lib.demo import real_files
from tools.lib.demo import fanout
from tools.lib.demo.cluster import API_CONFIG, Cluster
from tools.lib.demo.report import json_fields, print_report, problems_of
from tools.lib.demo.scenario import Scenario
from tools.lib.demo.writer import Writer
from tools.lab import Lab, LabUnavailable, ensure_privileges
from tools.lab.privileges import EXIT_SKIPPED

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_MIB = 1 << 20
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def _size(text: str) -> int:
    for unit, factor in _UNITS.items():
        if text.endswith(unit) and text.removesuffix(unit).isdigit():
            return int(text.removesuffix(unit)) * factor
    raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512MiB")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/demo",
        description="Four storage nodes, an upload of this machine's files over 12+4 erasure coding, and a power cut "
                    "at 30 % of it: with peerpulse, then without. Exit 1 if data was lost or a healthy peer was "
                    "disturbed.")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON on stdout")
    parser.add_argument("--size", type=_size, default=_size("512MiB"), help="how much to upload (512MiB)")
    parser.add_argument("--quick", action="store_true", help="a smaller upload, and not the one without peerpulse")
    parser.add_argument("--disks", type=pathlib.Path, metavar="DIR",
                        help="where the nodes' disks are made (default: memory if there is room, else the temporary "
                             "directory)")
    parser.add_argument("--through-api", action="store_true",
                        help="chunks are written by the fan-out API, which puts those of a dead node on spare disks")
    parser.add_argument("--tls", action="store_true",
                        help="peerpulse speaks TLS to the other nodes, with certificates of tools/certs; the writer here speaks "
                             "none, so that there is no upload without peerpulse")
    parser.add_argument("--fanout", action="store_true",
                        help="instead: one local request to five nodes (a quorum write, an aggregation, a notification, a "
                             "chunk), with all well, then with one dead and one that stands still")
    arguments = parser.parse_args()
    if arguments.tls and arguments.fanout:
        parser.error("--tls is for the upload, --fanout has none")
    if arguments.quick:
        arguments.size = min(arguments.size, 128 * _MIB)
    return arguments


def _available_memory() -> int:
    for line in pathlib.Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _disk_parent(arguments: argparse.Namespace) -> pathlib.Path:
    """16 chunks for 12 of data, two uploads of them, and some air."""
    needed = 3 * arguments.size + 64 * _MIB
    if arguments.disks is not None:
        arguments.disks.mkdir(parents=True, exist_ok=True)
        return arguments.disks
    memory = pathlib.Path("/dev/shm")
    # A slow disk's flushes would be measured instead of the network's failure.
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > needed:
        if _available_memory() > needed + 1024 * _MIB:
            return memory
    return pathlib.Path(tempfile.gettempdir())


def _run(arguments: argparse.Namespace, build: pathlib.Path) -> int:
    files = real_files.choose(arguments.size)
    total = sum(file.stat().st_size for file in files)
    parent = _disk_parent(arguments)
    print(f"demo: {len(files)} files, {total / _MIB:.0f} MiB; disks in {parent}", file=sys.stderr, flush=True)
    real_files.warm(files)
    with Lab(nodes=4) as lab, tempfile.TemporaryDirectory(prefix="peerpulse-demo-", dir=parent) as disks:
        cluster = Cluster(lab, build, pathlib.Path(disks), arguments.tls,
                          **(API_CONFIG if arguments.through_api else {}))
        cluster.start()
        writer = Writer(cluster.program("erasure_writer"), cluster.writer_node, cluster.writer_node.directory)
        scenario = Scenario(cluster, writer, files, show=True, through_api=arguments.through_api)
        report = scenario.run_with(fail_fast_requests=10_000)
        if arguments.tls:
            report["tls"] = {peer["name"]: peer["tls"]["upstream"] for peer in cluster.admin.peers()}
        elif not arguments.quick:
            report["without"] = scenario.run_without()
    problems = problems_of(report)
    print_report(report)
    for problem in problems:
        print(f"demo: FAILED: {problem}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(json_fields(report)), flush=True)
    return 1 if problems else 0


def _run_fanout(arguments: argparse.Namespace, build: pathlib.Path) -> int:
    with (Lab(nodes=fanout.NODES) as lab,
          tempfile.TemporaryDirectory(prefix="peerpulse-demo-", dir=_disk_parent(arguments)) as disks):
        cluster = Cluster(lab, build, pathlib.Path(disks), **fanout.CONFIG)
        cluster.start()
        story = fanout.FanoutStory(cluster)
        report = story.run()
    for problem in story.problems:
        print(f"demo: FAILED: {problem}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(report), flush=True)
    return 1 if story.problems else 0


def main() -> int:
    arguments = _arguments()
    try:
        ensure_privileges()
    except LabUnavailable as reason:
        print(f"demo: {reason}", file=sys.stderr)
        return EXIT_SKIPPED
    try:
        run = _run_fanout if arguments.fanout else _run
        return run(arguments, pathlib.Path(os.environ.get("PEERPULSE_BUILD", _ROOT / "build")))
    except RuntimeError as error:
        print(f"demo: FAILED: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
