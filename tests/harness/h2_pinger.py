"""A peer that speaks just enough HTTP/2 to answer PINGs, each after a delay that the test decides."""

import queue
import socket
import threading
import time

from tests.harness.connection_listener import ConnectionListener

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS, _PING = 4, 6
_ACK = 1


def _frame(kind: int, flags: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + bytes(4) + payload


class H2Pinger(ConnectionListener):
    """`delay_s` may be changed at any time; a PING's answer is sent that long after the PING came.

    Threading: two threads per connection, one that reads and one that answers.
    """

    def __init__(self, host) -> None:
        self.delay_s = 0.0
        super().__init__(host, self._serve_connection)

    def _serve_connection(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answers: queue.Queue = queue.Queue()
        answerer = threading.Thread(target=self._answer, args=(connection, answers), daemon=True)
        answerer.start()
        try:
            with connection.makefile("rb") as stream:
                if stream.read(len(_PREFACE)) == _PREFACE:
                    answers.put((0.0, _frame(_SETTINGS, 0)))
                    self._read_frames(stream, answers)
        finally:
            answers.put(None)
            answerer.join()

    def _read_frames(self, stream, answers: queue.Queue) -> None:
        while len(head := stream.read(9)) == 9:
            payload = stream.read(int.from_bytes(head[:3], "big"))
            if head[4] & _ACK:
                continue
            if head[3] == _SETTINGS:
                answers.put((0.0, _frame(_SETTINGS, _ACK)))
            elif head[3] == _PING:
                answers.put((time.monotonic() + self.delay_s, _frame(_PING, _ACK, payload)))

    @staticmethod
    def _answer(connection: socket.socket, answers: queue.Queue) -> None:
        while (answer := answers.get()) is not None:
            due, frame = answer
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                connection.sendall(frame)
            except OSError:
                return
