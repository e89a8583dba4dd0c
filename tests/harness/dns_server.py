"""A DNS server whose every answer the test decides: UDP and TCP on one port that the system picks (RFC 1035)."""

import dataclasses
import ipaddress
import socket
import struct
import threading

A, AAAA = 1, 28
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, REFUSED = 0, 1, 2, 3, 5


@dataclasses.dataclass
class Reply:
    """Addresses are of both families; each question gets those of its own."""
    addresses: tuple[str, ...] = ()
    ttl: int = 60
    rcode: int = NOERROR
    silent: bool = False
    delay: float = 0
    other_question: bool = False
    truncated: bool = False
    """Over UDP, whatever fits or not: the question must come again over TCP."""


class DnsServer:
    """`zone` is what it says of each name (lower case, no final dot); names that are not there do not exist. It may be
    changed at any time. `questions` counts by name."""

    def __init__(self, host, zone: dict[str, Reply] | None = None) -> None:
        self.zone: dict[str, Reply] = dict(zone or {})
        self.questions: dict[str, int] = {}
        self.over_tcp = 0
        self._closing = threading.Event()
        with host.entered():
            self._udp, self._tcp = self._sockets()
        self.address = "127.0.0.1:{}".format(self._udp.getsockname()[1])
        self._threads = [threading.Thread(target=serve, daemon=True) for serve in (self._serve_udp, self._serve_tcp)]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _sockets() -> tuple[socket.socket, socket.socket]:
        for _ in range(100):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind(("127.0.0.1", 0))
            tcp = socket.socket()
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                udp.close()
                tcp.close()
                continue
            tcp.listen()
            for each in (udp, tcp):
                each.settimeout(0.05)
            return udp, tcp
        raise RuntimeError("no port is free for both UDP and TCP")

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while not self._closing.is_set():
            try:
                question, source = self._udp.recvfrom(4096)
            except TimeoutError:
                continue
            self._answer(question, lambda data, to=source: self._udp.sendto(data, to), tcp=False)

    def _serve_tcp(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._tcp.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(5)
                size = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))[0]
                question = connection.recv(size, socket.MSG_WAITALL)
                self.over_tcp += 1
                self._answer(question, lambda data, to=connection: to.sendall(struct.pack("!H", len(data)) + data),
                             tcp=True)

    def _answer(self, question: bytes, send, tcp: bool) -> None:
        name, end = self._name(question)
        kind = struct.unpack("!H", question[end:end + 2])[0]
        self.questions[name] = self.questions.get(name, 0) + 1
        reply = self.zone.get(name, Reply(rcode=NXDOMAIN))
        if reply.silent:
            return
        data = self._encode(question, end, kind, reply, tcp)
        if reply.delay and not tcp:
            threading.Timer(reply.delay, self._late, (send, data)).start()
        else:
            send(data)

    def _late(self, send, data: bytes) -> None:
        if not self._closing.is_set():
            send(data)

    @staticmethod
    def _name(question: bytes) -> tuple[str, int]:
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += question[at] + 1
        return ".".join(labels), at + 1

    @staticmethod
    def _encode(question: bytes, end: int, kind: int, reply: Reply, tcp: bool) -> bytes:
        version = {A: 4, AAAA: 6}.get(kind)
        addresses = [a for a in map(ipaddress.ip_address, reply.addresses) if a.version == version]
        cut = reply.truncated and not tcp
        if cut:
            addresses = []
        asked = bytearray(question[12:end + 4])
        if reply.other_question:
            asked[1] ^= 0x01
        flags = 0x8180 | reply.rcode | (0x0200 if cut else 0)
        data = question[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0) + bytes(asked)
        for address in addresses:
            data += struct.pack("!HHHIH", 0xC00C, kind, 1, reply.ttl, len(address.packed)) + address.packed
        return data
