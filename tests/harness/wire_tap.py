"""All frames that pass a node's interface, as a tcpdump beside it would see them."""

import socket

_ALL = 0x0003  # ETH_P_ALL
_ROOM = 256 << 20
_SO_RCVBUFFORCE = 33


class WireTap:
    """From its making on. The socket is the node's, whoever reads it."""

    def __init__(self, node, device: str = "eth0") -> None:
        with node.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
            self._socket.bind((device, _ALL))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
        except PermissionError:  # in a user namespace: as much as anybody may
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        self._socket.setblocking(False)

    def take(self) -> list[bytes]:
        """The frames since the last call. AssertionError if there was no room for some."""
        frames = []
        try:
            while frame := self._socket.recv(1 << 17):
                frames.append(frame)
        except BlockingIOError:
            pass
        seen, dropped = self._statistics()
        if dropped:
            raise AssertionError(f"{dropped} frames found no room beside {seen}")
        return frames

    def _statistics(self) -> tuple[int, int]:
        sol_packet, packet_statistics = 263, 6
        raw = self._socket.getsockopt(sol_packet, packet_statistics, 8)
        return int.from_bytes(raw[:4], "little"), int.from_bytes(raw[4:8], "little")

    def close(self) -> None:
        self._socket.close()
