"""nghttpx: h1 to the origin for h1, h2 for h2."""

from tests.harness.peers import Server
from tools.lib.bench.proxies.proxy import OtherProxy

_BACKEND = {"h1": "http/1.1", "h2": "h2"}
_WINDOW = str(16 << 20)


class Nghttpx(OtherProxy):
    program = "nghttpx"

    def arguments(self, server: Server, protocol: str, origin: str) -> list[str]:
        host, port = origin.split(":")
        return [
            "nghttpx", "--conf=/dev/null", "--single-process", "--single-thread", "--workers=1",
            f"--frontend={server.host.address},{server.port};no-tls",
            f"--backend={host},{port};;proto={_BACKEND[protocol]}",
            f"--errorlog-file={server.directory}/error.log", "--accesslog-file=",
            "--frontend-http2-max-concurrent-streams=256", "--backend-http2-max-concurrent-streams=256",
            f"--frontend-http2-window-size={_WINDOW}", f"--frontend-http2-connection-window-size={_WINDOW}",
            f"--backend-http2-window-size={_WINDOW}", f"--backend-http2-connection-window-size={_WINDOW}",
            "--backend-request-buffer=256K", "--backend-response-buffer=1M",
            "--no-via", "--no-add-x-forwarded-proto", "--no-location-rewrite", "--no-server-rewrite",
        ]
