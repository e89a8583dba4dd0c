"""Connections of an application that knows nothing of peerpulse: a program of the lab.

    raw_sockets.py connect|accept HOST PORT COUNT read|write|idle [BIND]

`connect` dials COUNT connections from BIND; `accept` listens on HOST:PORT for them. Then each is blocked in a read of what
never comes, or in a write that the other side does not take, or (idle) nothing is done with it. A line "listening" when it can be
dialled, "ready" once all stand still, and at the end one line of JSON with how and when (CLOCK_MONOTONIC) each ended.
Up to 32 connections have a thread and a blocking call each; more are polled.
"""

import errno
import json
import selectors
import socket
import sys
import threading
import time

_THREADS_UP_TO = 32
_LARGE = bytes(1 << 20)


def _say(text: str) -> None:
    print(text, flush=True)


def _open(role: str, host: str, port: int, count: int, bind: str | None) -> list[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if role == "connect":
        source = (bind, 0) if bind else None
        sockets = [socket.create_connection((host, port), source_address=source) for _ in range(count)]
        _say("listening")
        return sockets
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(4096)
        _say("listening")
        return [listener.accept()[0] for _ in range(count)]


def _fill(sockets: list[socket.socket]) -> None:
    """Until the other sides' windows and our buffers are full, and a while later still are."""
    for connection in sockets:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)
        connection.setblocking(False)
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 0.3:
        for connection in sockets:
            try:
                connection.send(bytes(65536))
                quiet_since = time.monotonic()
            except BlockingIOError:
                pass
        time.sleep(0.01)


def _block(connection: socket.socket, doing: str) -> None:
    if doing == "write":
        connection.send(_LARGE)
    else:
        connection.recv(1)


def _outcome(error: OSError | None) -> dict:
    name = "end" if error is None else errno.errorcode.get(error.errno, str(error))
    return {"outcome": name, "at_ns": time.monotonic_ns()}


def _wait_blocking(sockets: list[socket.socket], doing: str) -> list[dict]:
    outcomes: list[dict] = []

    def run(connection: socket.socket) -> None:
        connection.setblocking(True)
        try:
            _block(connection, doing)
            outcomes.append(_outcome(None))
        except OSError as error:
            outcomes.append(_outcome(error))

    threads = [threading.Thread(target=run, args=(connection,)) for connection in sockets]
    for thread in threads:
        thread.start()
    _say("ready")
    for thread in threads:
        thread.join()
    return outcomes


def _wait_polling(sockets: list[socket.socket], doing: str) -> list[dict]:
    selector = selectors.DefaultSelector()
    for connection in sockets:
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_WRITE if doing == "write" else selectors.EVENT_READ)
    outcomes = []
    _say("ready")
    while selector.get_map():
        for key, _ in selector.select():
            try:
                _block(key.fileobj, doing)
                outcomes.append(_outcome(None))
            except BlockingIOError:
                continue
            except OSError as error:
                outcomes.append(_outcome(error))
            selector.unregister(key.fileobj)
    return outcomes


def main() -> None:
    role, host, port, count, doing, *bind = sys.argv[1:]
    sockets = _open(role, host, int(port), int(count), bind[0] if bind else None)
    if doing == "idle":
        _say("ready")
        threading.Event().wait()
    if doing == "write":
        _fill(sockets)
    wait = _wait_blocking if len(sockets) <= _THREADS_UP_TO else _wait_polling
    _say(json.dumps(wait(sockets, doing)))


if __name__ == "__main__":
    main()
