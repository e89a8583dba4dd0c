"""Connect's conformance suite: Connect, gRPC and gRPC-Web over HTTP/1.1 and HTTP/2 in plain text, all kinds of streams, errors,
deadlines, cancellations; its reference client against its reference server."""

import pathlib
import re
import subprocess
import sys
import tempfile

from tools.lib.conformance import modules
from tools.lib.conformance.verdicts import Verdicts, last_line, report

_PACKAGE = "connectrpc.com/conformance/cmd/"
_TIMEOUT_S = 1200
_CONFIG = """features:
  versions: [HTTP_VERSION_1, HTTP_VERSION_2]
  protocols: [PROTOCOL_CONNECT, PROTOCOL_GRPC, PROTOCOL_GRPC_WEB]
  codecs: [CODEC_PROTO, CODEC_JSON]
  compressions: [COMPRESSION_IDENTITY, COMPRESSION_GZIP]
  supportsTls: false
  supportsH2c: true
  supportsHalfDuplexBidiOverHttp1: true
"""
_TOTAL = re.compile(r"^Total cases: (\d+)\n(\d+) passed, (\d+) failed", re.MULTILINE)
_FAILED = re.compile(r"^FAILED: (.+?):\n((?:[ \t].*\n?)*)", re.MULTILINE)


def _verdicts(output: str) -> Verdicts:
    verdicts = Verdicts()
    total = _TOTAL.search(output)
    if total is None:
        raise RuntimeError(f"connectconformance has not come to its end:\n{output[-2000:]}")
    verdicts.failed = {name: last_line(text) for name, text in _FAILED.findall(output)}
    # It names only those that fail.
    verdicts.passed = {f"case {number}" for number in range(int(total[2]))}
    return verdicts


def _ask(program: pathlib.Path, config: pathlib.Path, server: list[str]) -> Verdicts:
    done = subprocess.run([program, "--mode", "server", "--conf", config, "--max-servers", "2", "--parallel", "4", "--",
                           *server], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_TIMEOUT_S,
                          check=False)
    return _verdicts(done.stdout)


def run() -> int:
    """The number of unexcused failures."""
    program = modules.build(_PACKAGE + "connectconformance", "connectconformance")
    server = modules.build(_PACKAGE + "referenceserver", "referenceserver")
    with tempfile.TemporaryDirectory(prefix="peerpulse-conformance-") as directory:
        config = pathlib.Path(directory) / "config.yaml"
        config.write_text(_CONFIG, encoding="utf-8")
        direct = _ask(program, config, [str(server), "-port", "0"])
        carried = [sys.executable, "-B", str(pathlib.Path(__file__).with_name("carried_server.py")), str(server)]
        through = _ask(program, config, carried)
    return report("connect", direct, through, {})
