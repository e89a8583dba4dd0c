"""h2spec: 146 checks of an HTTP/2 server (RFC 7540, 7541), against nghttpd."""

import pathlib
import subprocess
from xml.etree import ElementTree

from tests.harness.host import LocalHost
from tests.harness.peers import NghttpdPeer
from tools.lib.conformance import modules
from tools.lib.conformance.carried import carried
from tools.lib.conformance.verdicts import Verdicts, last_line, report

_PACKAGE = "github.com/summerwind/h2spec/cmd/h2spec"
_TIMEOUT_S = 300

_CLOSED = ("RFC 9113 5.1 (closed) leaves it to the receiver (MAY); such frames are taken for ones that crossed our "
           "RST_STREAM, and reach no peer")
_RACE = ("where our answer was complete before the frame came, the stream was closed, and not half-closed (remote): " +
         _CLOSED)
_PRIORITIES = "RFC 9113 5.3 dropped the tree of priorities; we say so by SETTINGS_NO_RFC7540_PRIORITIES"

EXCUSED = {
    "http2/3.5 Sends invalid connection preface":
        "the port speaks HTTP/1.1, too, and says so: 400, and the connection closed. h2spec cannot read HTTP/1.1",
    "http2/4.2 Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE":
        "a frame of some 20 KiB does not exceed our SETTINGS_MAX_FRAME_SIZE of 64 KiB",
    "http2/5.1 closed: Sends a DATA frame after sending RST_STREAM frame": _CLOSED,
    "http2/5.1 closed: Sends a HEADERS frame after sending RST_STREAM frame": _CLOSED,
    "http2/5.1 closed: Sends a DATA frame": _CLOSED,
    "http2/5.1 closed: Sends a HEADERS frame": _CLOSED,
    "http2/5.1 half closed (remote): Sends a DATA frame": _RACE,
    "http2/5.1 half closed (remote): Sends a HEADERS frame": _RACE,
    'http2/6.1 Sends a DATA frame on the stream that is not in "open" or "half-closed (local)" state': _RACE,
    "http2/5.3.1 Sends HEADERS frame that depend on itself": _PRIORITIES,
    "http2/5.3.1 Sends PRIORITY frame that depend on itself": _PRIORITIES,
}
"""What RFC 9113 no longer asks for, or nobody may ask of a port that speaks HTTP/1.1, too."""


def _verdicts(file: pathlib.Path) -> Verdicts:
    verdicts = Verdicts()
    for case in ElementTree.parse(file).getroot().iter("testcase"):
        name = f"{case.get('package')} {case.get('classname')}"
        if name in verdicts.passed or name in verdicts.failed:
            name += " (2)"  # h2spec has two of one name
        problem = case.find("failure")
        if problem is None:
            problem = case.find("error")
        if problem is not None:
            verdicts.failed[name] = last_line(problem.text or "")
        elif case.find("skipped") is not None:
            verdicts.skipped += 1
        else:
            verdicts.passed.add(name)
    return verdicts


def _ask(program: pathlib.Path, address: tuple[str, int], file: pathlib.Path) -> Verdicts:
    subprocess.run([program, "--host", address[0], "--port", str(address[1]), "--junit-report", str(file)],
                   stdout=subprocess.DEVNULL, timeout=_TIMEOUT_S, check=False)
    return _verdicts(file)


def run() -> int:
    """The number of unexcused failures."""
    program = modules.build(_PACKAGE, "h2spec")
    host = LocalHost()
    try:
        server = NghttpdPeer(host)
        server.add_file("index.html", b"ok")
        server.start()
        direct = _ask(program, (host.address, server.port), host.directory / "direct.xml")
        with carried(host, server.address, protocol="http2") as address:
            through = _ask(program, address, host.directory / "through.xml")
    finally:
        host.close()
    return report("h2spec", direct, through, EXCUSED)
