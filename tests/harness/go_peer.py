"""Go's net/http as an HTTP/2 peer, where there is a Go that can: not a requirement of the tests."""

import functools
import os
import pathlib
import re
import shutil
import subprocess

from tests.harness.peerpulse import build_directory
from tests.harness.peers import Server
from tests.harness.programs import SERVERS

_NEEDED = (1, 24)
"""http.Protocols: h2c from the standard library."""
_BUILD_TIMEOUT_S = 240


def _environment() -> dict[str, str]:
    """For a build from one file that fetches nothing."""
    variables = {"GO111MODULE": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "", "CGO_ENABLED": "0"}
    if "HOME" not in os.environ and "GOCACHE" not in os.environ:
        variables["GOCACHE"] = str(build_directory() / "go-cache")
    return {**os.environ, **variables}


@functools.cache
def build(source: pathlib.Path) -> str:
    """The program made of this file."""
    output = build_directory() / "tests" / source.parent.name / source.stem
    output.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-o", str(output), str(source)], env=_environment(), timeout=_BUILD_TIMEOUT_S,
                   check=True)
    return str(output)


class GoPeer(Server):
    @staticmethod
    @functools.cache
    def missing() -> str:
        """Why there can be none here; empty if there can."""
        if shutil.which("go") is None:
            return "there is no `go`"
        version = subprocess.run(["go", "version"], env=_environment(), capture_output=True, text=True,
                                 check=False).stdout
        match = re.search(r"\bgo(\d+)\.(\d+)", version)
        if match is None or (int(match[1]), int(match[2])) < _NEEDED:
            return f"go is older than {_NEEDED[0]}.{_NEEDED[1]}: {version.strip()}"
        return ""

    def _arguments(self) -> list[str]:
        return [build(SERVERS / "go_server.go"), self.address]
