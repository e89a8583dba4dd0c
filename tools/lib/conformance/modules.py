"""The suites' programs: built from the pinned modules of go.mod, which Go's own module proxy gives."""

import os
import pathlib
import shutil
import subprocess

from tests.harness.peerpulse import build_directory
from tools.lib.conformance.verdicts import last_line

_HERE = pathlib.Path(__file__).resolve().parent
_ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", "CGO_ENABLED": "0"}
_TIMEOUT_S = 1200
"""Of a first build on a busy machine with two processors."""


class Unavailable(RuntimeError):
    """Why the suite cannot run on this machine: no fault of peerpulse."""


def _go(*words: str, timeout: int = _TIMEOUT_S) -> subprocess.CompletedProcess:
    environment = {**_ENVIRONMENT, **os.environ, "GO111MODULE": "on"}
    if "HOME" not in os.environ:
        environment.setdefault("GOPATH", str(build_directory() / "go"))
        environment.setdefault("GOCACHE", str(build_directory() / "go-cache"))
    try:
        return subprocess.run(["go", *words], cwd=_HERE, env=environment, capture_output=True, text=True,
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"`go {words[0]}` took more than {timeout} s") from error


def build(package: str, name: str) -> pathlib.Path:
    """The program of that main package. Raises Unavailable where there is no Go, or the modules cannot be had."""
    if shutil.which("go") is None:
        raise Unavailable("there is no `go`")
    listed = _go("list", "-deps", package)
    if listed.returncode != 0:
        raise Unavailable(f"the modules of {package} are not to be had: {last_line(listed.stderr)}")
    program = build_directory() / "conformance" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    built = _go("build", "-p", "2", "-o", str(program), package)
    if built.returncode != 0:
        raise RuntimeError(f"go build {package}:\n{built.stderr}")
    return program
