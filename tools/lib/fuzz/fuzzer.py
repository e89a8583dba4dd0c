"""One fuzzer (tests/fuzz): a run of libFuzzer over its corpus, and what came of it."""

import dataclasses
import os
import pathlib
import re
import subprocess
import tempfile

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_SOURCES = _ROOT / "tests" / "fuzz"

NAMES = ("config", "h1_request", "h1_response", "h2_client", "h2_server", "proxy", "tls")

LONGEST = {"config": 4096, "proxy": 2048, **dict.fromkeys(("h1_request", "h1_response", "h2_client", "h2_server", "tls"), 1024)}
"""Inputs, in bytes."""
_DICTIONARY = {"config": "config.dict", "proxy": "http.dict", **{name: "http.dict" for name in NAMES if name[0] == "h"}}
_INPUT_TIMEOUT_S = 25
"""For one input on a busy machine: an endless loop, and not a slow one."""
_GRACE_S = 600
"""For the corpus before the clock starts, and the last input behind it."""
_MEMORY_MIB = 1024
_RARE_BELOW = 1
"""libFuzzer's power schedule looks each feature of each input up in a list of the rare ones, one after the other. With its default
(fewer than 255 inputs) that list has thousands for a long time, and most of a run's time goes there; so it is the 100 rarest."""
_ALLOCATOR = "malloc_context_size=6:quarantine_size_mb=16"
"""Frames kept of each allocation, and freed memory held back: an input is over long before. A replay has the sanitizer's own."""
_FINDINGS = ("crash-*", "leak-*", "oom-*", "timeout-*")
_TOLD_LINES = 60


@dataclasses.dataclass
class Run:
    name: str
    executions: int = 0
    seconds: float = 0
    corpus: int = 0
    findings: list[pathlib.Path] = dataclasses.field(default_factory=list)
    trouble: str = ""
    """The end of its output, if it ended badly."""

    @property
    def good(self) -> bool:
        return not self.trouble and not self.findings

    def __str__(self) -> str:
        rate = self.executions / self.seconds if self.seconds else 0
        return (f"{self.name:12} {self.executions:>12,} executions {rate:>10,.0f}/s {self.corpus:>6} inputs "
                f"{len(self.findings)} findings")


def _work_directory(folder: pathlib.Path, name: str) -> pathlib.Path:
    """What a fuzzer has found of interest, from run to run; not for git."""
    return folder / "fuzz-work" / name


def _directories(name: str, more: pathlib.Path) -> list[str]:
    """Inputs that belong to the source (seeds, and what once was a finding), and `more`."""
    folders = (_SOURCES / "corpus", _SOURCES / "regressions", more)
    return [str(folder / name) for folder in folders if (folder / name).is_dir()]


def _number(pattern: str, output: str) -> int:
    found = re.findall(pattern, output)
    return int(found[-1]) if found else 0


def run(start: list[str], folder: pathlib.Path, name: str, seconds: int, seed: int, more: pathlib.Path,
        environment: dict[str, str]) -> Run:
    """`start`: the program. `folder`: for what it finds. `more`: a folder that may have more inputs in its NAME. `environment`:
    what sanitized programs need here.

    `seed`: of libFuzzer's choices, then from the source's corpus alone; 0: another each time, and from what earlier runs found.
    """
    if seed:
        with tempfile.TemporaryDirectory(prefix="peerpulse-fuzz-") as work:
            return _run(start, folder, name, seconds, seed, pathlib.Path(work), more, environment)
    return _run(start, folder, name, seconds, seed, _work_directory(folder, name), more, environment)


def _run(start: list[str], folder: pathlib.Path, name: str, seconds: int, seed: int, work: pathlib.Path, more: pathlib.Path,
         environment: dict[str, str]) -> Run:
    artifacts = folder / "fuzz-findings" / name
    for directory in (work, artifacts):
        directory.mkdir(parents=True, exist_ok=True)
    before = {path for pattern in _FINDINGS for path in artifacts.glob(pattern)}
    command = [*start, f"--fuzzer={name}",
               f"-max_total_time={seconds}", f"-seed={seed}", f"-timeout={_INPUT_TIMEOUT_S}",
               f"-rss_limit_mb={_MEMORY_MIB}", "-print_final_stats=1",
               f"-entropic_feature_frequency_threshold={_RARE_BELOW}",
               f"-max_len={LONGEST[name]}", f"-artifact_prefix={artifacts}/"]
    if name in _DICTIONARY:
        command.append(f"-dict={_SOURCES / 'dictionaries' / _DICTIONARY[name]}")
    command += [str(work), *_directories(name, more)]
    options = f"{environment['ASAN_OPTIONS']}:{_ALLOCATOR}"
    outcome = Run(name)
    try:
        done = subprocess.run(command, env={**os.environ, **environment, "ASAN_OPTIONS": options}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds + _GRACE_S, check=False)
        output, status = done.stdout.decode("utf-8", "replace"), done.returncode
    except subprocess.TimeoutExpired as error:
        output, status = (error.stdout or b"").decode("utf-8", "replace"), f"no end {_GRACE_S} s after its time"
    outcome.executions = _number(r"stat::number_of_executed_units:\s*(\d+)", output)
    rate = _number(r"stat::average_exec_per_sec:\s*(\d+)", output)
    outcome.seconds = outcome.executions / rate if rate else seconds
    outcome.corpus = _number(r"corp: (\d+)/", output)
    outcome.findings = sorted({path for pattern in _FINDINGS for path in artifacts.glob(pattern)} - before)
    if status != 0 or outcome.executions == 0:
        tail = "\n".join(output.splitlines()[-_TOLD_LINES:])
        outcome.trouble = f"{name}: exit {status}\n{tail}"
    return outcome
