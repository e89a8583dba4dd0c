"""Real gRPC servers as peers. Both police PINGs: the third one that comes too early ends the connection with GOAWAY
ENHANCE_YOUR_CALM. Early means within five minutes, or two hours while there is no call."""

import sys

from tests.harness.peerpulse import SANITIZER, program
from tests.harness.peers import Server
from tests.harness.programs import SERVERS

# Then it says of each GOAWAY that it sends why.
_VERBOSE = {"GRPC_VERBOSITY": "debug"}


class _GrpcPeer(Server):
    def _environment(self) -> dict[str, str]:
        return _VERBOSE

    def complaints(self) -> int:
        """How often it sent GOAWAY because of too many PINGs since it was first started."""
        return self.process.output().count("too_many_pings")


class GrpcCppPeer(_GrpcPeer):
    """grpc++ of the system."""

    @staticmethod
    def missing() -> str:
        """Why there is none."""
        return "grpc_server is not built with sanitizers" if SANITIZER else ""

    def _arguments(self) -> list[str]:
        return [program("grpc_server"), self.address]


class GrpcPythonPeer(_GrpcPeer):
    """grpcio of the system: the same core, another process around it."""

    def _arguments(self) -> list[str]:
        return [sys.executable, "-B", str(SERVERS / "grpc_server.py"), self.address]
