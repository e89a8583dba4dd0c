"""A client that speaks TLS and shows what is on the wire; tests.harness.openssl_end does the work."""

from tests.harness.host import connect
from tests.harness.openssl_end import OpensslContext, OpensslEnd


class TlsClient(OpensslEnd):
    """One connection, shaken hands."""

    def __init__(self, host, address: tuple[str, int], timeout: float = 20) -> None:
        super().__init__(connect(host, address, timeout), OpensslContext(None))
        self.handshake()

    def get(self, path: str, *fields: str) -> None:
        self.write("\r\n".join([f"GET {path} HTTP/1.1", "Host: node2", *fields, "", ""]).encode())

    def read_exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            received = self.read()
            if not received:
                raise ConnectionError(f"the end after {len(data)} of {size} bytes")
            data += received
        return data

    def close(self) -> None:
        """No close_notify."""
        self.socket.close()

    def __exit__(self, *_exception) -> None:
        self.close()
        super().__exit__()
