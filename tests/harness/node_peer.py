"""Node.js's http2 as a peer, where there is a Node.js: not a requirement of the tests."""

import shutil

from tests.harness.peers import Server
from tests.harness.programs import SERVERS


class NodePeer(Server):
    @staticmethod
    def missing() -> str:
        """Why there can be none here; empty if there can."""
        return "" if shutil.which("node") else "there is no `node`"

    def _arguments(self) -> list[str]:
        return ["node", str(SERVERS / "node_server.js"), self.host.address, str(self.port)]
