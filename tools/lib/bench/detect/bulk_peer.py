"""nghttpd that takes bulk: its windows do not hold a body up, and it answers an upload without sending it back."""

from tests.harness.peers import NghttpdPeer

_WINDOW_BITS = "22"


class BulkPeer(NghttpdPeer):
    def _arguments(self) -> list[str]:
        return ["nghttpd", "--no-tls", "--address", self.host.address, "-d", str(self.root),
                "-w", _WINDOW_BITS, "-W", _WINDOW_BITS, str(self.port)]
