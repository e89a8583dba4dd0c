"""A peer that speaks just enough HTTP/2 to answer PINGs, each after a delay that the test decides."""

import queue
import socket
import threading
import time

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS, _PING = 4, 6
_ACK = 1


def _frame(kind: int, flags: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + bytes(4) + payload


class H2Pinger:
    """`delay_s` may be changed at any time; a PING's answer is sent that long after the PING came.

    Threading: two threads per connection, one that reads and one that answers. close() ends them by closing the
    sockets; from then on the host refuses connections.
    """

    def __init__(self, host) -> None:
        self.delay_s = 0.0
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._closing = False
        with host.entered():
            self._listener = socket.create_server((host.address, 0), backlog=128)
        self.address = "{}:{}".format(*self._listener.getsockname()[:2])
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if self._closing:
                    connection.close()
                    return
                self._connections.add(connection)
            answers: queue.Queue = queue.Queue()
            threading.Thread(target=self._answer, args=(connection, answers), daemon=True).start()
            threading.Thread(target=self._read, args=(connection, answers), daemon=True).start()

    def _read(self, connection: socket.socket, answers: queue.Queue) -> None:
        try:
            with connection.makefile("rb") as stream:
                if stream.read(len(_PREFACE)) == _PREFACE:
                    answers.put((0.0, _frame(_SETTINGS, 0)))
                    self._read_frames(stream, answers)
        except OSError:
            pass  # the other side, or close(), ended it
        finally:
            answers.put(None)
            with self._lock:
                self._connections.discard(connection)

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
        with connection:
            while (answer := answers.get()) is not None:
                due, frame = answer
                time.sleep(max(0.0, due - time.monotonic()))
                try:
                    connection.sendall(frame)
                except OSError:
                    return

    def close(self) -> None:
        with self._lock:
            self._closing = True
            connections = list(self._connections)
        # A blocked accept() or recv() ends by shutdown, not by close.
        for end in (self._listener, *connections):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._listener.close()
        self._acceptor.join()
