"""See tools/bench/tls."""

import argparse
import shutil
import sys

from tests.harness.host import LocalHost
from tools.lib.bench import command
from tools.lib.bench.command import BenchFailed
from tools.lib.bench.proxies.processors import Processors
from tools.lib.bench.tls import report
from tools.lib.bench.tls.cases import CASES, OUTS
from tools.lib.bench.tls.credentials import CIPHER, Credentials
from tools.lib.bench.tls.measurement import Bench
from tools.lib.bench.tls.origin import Origin
from tools.lib.bench.tls.proxies import KINDS

_PROGRAMS = ("h2load", "haproxy", "nginx", "openssl")
_ABOUT = f"""\
What TLS costs in peerpulse, HAProxy and nginx: clients speak TLS 1.3 to each, and each speaks plain text or TLS to the
origin, whose certificate it verifies. The same certificate (ECDSA P-256) and the same cipher ({CIPHER})
everywhere, one worker each, no access log. peerpulse is as it comes but for these.

All before one nginx, measured in turn (A B C ... A B C ...) by h2load over HTTP/1.1, which resumes no sessions. The
proxy has a processor to itself; h2load and the origin share another one, and are the slower side of "get" and "put":
there the processor time is the figure to compare.

Medians over the rounds; ratios are made within a round. Exit 1 if a request through peerpulse failed.

Cases:
""" + "\n".join(f"{case.name:10} {case.about}" for case in CASES.values())


def _measure(arguments: argparse.Namespace):
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        raise FileNotFoundError(f"{', '.join(missing)} not installed (tools/setup does that)")
    processors = Processors()
    processors.take_client()
    output = sys.stderr if arguments.json else sys.stdout
    results, host = {}, LocalHost()
    try:
        credentials = Credentials.make(host.directory)
        origin = Origin(host, credentials).start()
        benches = {out: Bench(host, [kind(host, processors, credentials, out, origin.address_of(out)).start() for kind in KINDS])
                   for out in OUTS}
        for name in arguments.case or CASES:
            for out, bench in benches.items():
                result = report.summary(bench.run(CASES[name], arguments.rounds, arguments.seconds))
                results[f"{name}/{out}"] = result
                print(report.table(out, CASES[name], result) + "\n", file=output, flush=True)
    finally:
        host.close()
    print(report.final_line(results), file=output, flush=True)
    yield {"cipher": CIPHER, "rounds": arguments.rounds, "seconds": arguments.seconds, "results": results,
           "load_average": command.load_average()}
    failed = {name: result["proxies"][report.OURS]["failed"] for name, result in results.items()}
    if any(failed.values()):
        raise BenchFailed(f"requests through peerpulse failed: {failed}")


def main() -> int:
    parser = command.parser("tls", _ABOUT)
    parser.add_argument("--case", action="append", choices=list(CASES), metavar="NAME",
                        help="one of those above; may be given several times (all)")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each proxy and case (7)")
    parser.add_argument("--seconds", type=float, default=0.7, help="about how long each of them takes (0.7)")
    return command.run(parser.parse_args(), _measure, lab=False)
