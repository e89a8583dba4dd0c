"""A listening socket of a scripted peer, and a function called in a thread of its own per connection."""

import socket
import threading


class ConnectionListener:
    """`serve(connection)` owns nothing: the connection is closed when it returns, and an OSError ends it quietly
    (the other side, or close(), ended it).

    Threading: close() ends all threads by closing their sockets; from then on the host refuses connections.
    """

    def __init__(self, host, serve, port: int = 0) -> None:
        """`port` 0: any."""
        self._serve = serve
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._closing = False
        with host.entered():
            self._listener = socket.create_server((host.address, port), backlog=128)
        self.address = "{}:{}".format(*self._listener.getsockname()[:2])
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._closing:
                    connection.close()
                    return
                self._connections.add(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        try:
            self._serve(connection)
        except OSError:
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

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
