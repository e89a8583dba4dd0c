"""An HTTP/1 peer that remembers the requests it had, whole, and answers as the test says. Probes are answered and not
remembered."""

import dataclasses
import threading

from tests.harness.scripted_peer import ScriptedPeer, answer


@dataclasses.dataclass
class Recorded:
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class RecordingPeer:
    """`reply(request)` returns the bytes of the answer; None: none, ever. While `may_read` is not set no body is read, and
    while `may_answer` is not set nothing is answered."""

    def __init__(self, host, reply=lambda request: answer("200 OK"), port: int = 0) -> None:
        self.requests: list[Recorded] = []
        self.reply = reply
        self.ends = False
        """Closes after its answer, whatever that promised."""
        self.may_read = threading.Event()
        self.may_read.set()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self._closing = threading.Event()
        self.server = ScriptedPeer(host, self._serve, port=port)
        self.address = self.server.address

    def _serve(self, connection, head: bytes) -> bool:
        text, _, body = head.partition(b"\r\n\r\n")
        lines = text.decode("latin-1").split("\r\n")
        method, path, _version = lines[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if path == "*":  # a probe's
            connection.sendall(answer("200 OK"))
            return True
        self._wait(self.may_read)
        if headers.get("transfer-encoding") == "chunked":
            body = self._chunks(connection, body)
        else:
            while len(body) < int(headers.get("content-length", "0")):
                received = connection.recv(1 << 16)
                if not received:
                    return False
                body += received
        request = Recorded(method, path, headers, body)
        self.requests.append(request)
        self._wait(self.may_answer)
        reply = self.reply(request)
        if reply is None:
            self._closing.wait()
            return False
        connection.sendall(reply)
        return not self.ends

    def _wait(self, event: threading.Event) -> None:
        while not self._closing.is_set() and not event.wait(0.05):
            pass

    @staticmethod
    def _chunks(connection, data: bytes) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in data:
                data += connection.recv(1 << 16)
            size_text, _, data = data.partition(b"\r\n")
            size = int(size_text, 16)
            while len(data) < size + 2:
                data += connection.recv(1 << 16)
            body += data[:size]
            data = data[size + 2:]
            if size == 0:
                return body

    def close(self) -> None:
        self._closing.set()
        self.server.close()
