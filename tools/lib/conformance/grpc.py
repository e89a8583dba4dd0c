"""gRPC's interoperability cases (grpc-go's client and server), in plain text."""

import pathlib
import subprocess

from tests.harness.host import LocalHost
from tests.harness.peers import Server
from tools.lib.conformance import modules
from tools.lib.conformance.carried import carried
from tools.lib.conformance.verdicts import Verdicts, last_line, report

_PACKAGE = "google.golang.org/grpc/interop/"
_TIMEOUT_S = 60

_CASES = (
    "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
    "timeout_on_sleeping_server", "cancel_after_begin", "cancel_after_first_response", "status_code_and_message",
    "special_status_message", "custom_metadata", "unimplemented_method", "unimplemented_service", "rpc_soak",
    "channel_soak",
)
"""All but those that need an authority, a cloud's credentials, several servers or ORCA's reports."""


class _InteropServer(Server):
    def __init__(self, host, program: pathlib.Path) -> None:
        super().__init__(host)
        self._program = str(program)

    def _arguments(self) -> list[str]:
        return [self._program, "--port", str(self.port)]


def _ask(program: pathlib.Path, address: tuple[str, int]) -> Verdicts:
    verdicts = Verdicts()
    for case in _CASES:
        try:
            done = subprocess.run([program, f"--server_host={address[0]}", f"--server_port={address[1]}",
                                   f"--test_case={case}"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            verdicts.failed[case] = f"no end within {_TIMEOUT_S} s"
            continue
        if done.returncode == 0:
            verdicts.passed.add(case)
        else:
            verdicts.failed[case] = last_line(done.stderr)
    return verdicts


def run() -> int:
    """The number of unexcused failures."""
    client = modules.build(_PACKAGE + "client", "interop_client")
    program = modules.build(_PACKAGE + "server", "interop_server")
    host = LocalHost()
    try:
        server = _InteropServer(host, program).start()
        direct = _ask(client, (host.address, server.port))
        with carried(host, server.address) as address:
            through = _ask(client, address)
    finally:
        host.close()
    return report("grpc", direct, through, {})
