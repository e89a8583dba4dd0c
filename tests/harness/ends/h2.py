"""An end that speaks HTTP/2, on python3-h2."""

import socket

import h2.config
import h2.connection
import h2.events
import h2.settings

from tests.harness.ends import Fields, Head, Reset, receive


class H2Connection:
    """Streams share it; each H2End reads from the connection until something of its own has come."""

    def __init__(self, connection: socket.socket, client: bool, tunnels: bool = True) -> None:
        """`tunnels`: of a server, whether it says that it takes them."""
        self.connection = connection
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=client, header_encoding="latin-1", validate_outbound_headers=False,
            normalize_outbound_headers=False))
        if tunnels and not client:  # extended CONNECT (RFC 8441 3)
            wanted = {**self.state.local_settings, h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}
            self.state.local_settings = h2.settings.Settings(client=False, initial_values=wanted)
        self.state.initiate_connection()
        self.events: dict[int, list] = {}
        self.requests: list[int] = []
        """Streams that were opened by the other side and not taken yet."""
        self.flush()

    def flush(self) -> None:
        if data := self.state.data_to_send():
            self.connection.sendall(data)

    def pump(self) -> None:
        for event in self.state.receive_data(receive(self.connection)):
            if isinstance(event, h2.events.RequestReceived):
                self.requests.append(event.stream_id)
            if isinstance(event, h2.events.DataReceived):
                self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            stream = getattr(event, "stream_id", None)
            if stream:
                self.events.setdefault(stream, []).append(event)
        self.flush()

    def open(self) -> "H2End":
        return H2End(self, self.state.get_next_available_stream_id())

    def accept(self) -> "H2End":
        while not self.requests:
            self.pump()
        return H2End(self, self.requests.pop(0))


class H2End:
    def __init__(self, link: H2Connection, number: int) -> None:
        self.link = link
        self.number = number
        self.trailers: Fields = []
        self._ended = False
        self._tunnelled = b""

    # Out.

    def request(self, method: str, path: str, fields: Fields = (), end: bool = False, protocol: str = "") -> None:
        """`protocol`: of an extended CONNECT (RFC 8441)."""
        pseudo = [(":method", method), (":scheme", "http"), (":authority", "node2:9000"), (":path", path)]
        self._send_head([*pseudo, *([(":protocol", protocol)] if protocol else [])], fields, end)

    def inform(self, status: int, fields: Fields = ()) -> None:
        self._send_head([(":status", str(status))], fields, False)

    def respond(self, status: int, fields: Fields = (), end: bool = False) -> None:
        self._send_head([(":status", str(status))], fields, end)

    def _send_head(self, pseudo: Fields, fields: Fields, end: bool) -> None:
        self.link.state.send_headers(self.number, [*pseudo, *((name.lower(), value) for name, value in fields)], end)
        self.link.flush()

    def data(self, data: bytes) -> None:
        self.link.state.send_data(self.number, data)
        self.link.flush()

    def end(self, trailers: Fields = ()) -> None:
        if trailers:
            self.link.state.send_headers(self.number, [(name.lower(), value) for name, value in trailers], True)
        else:
            self.link.state.end_stream(self.number)
        self.link.flush()

    def reset(self, code: int) -> None:
        self.link.state.reset_stream(self.number, code)
        self.link.flush()

    # In.

    def _next(self):
        events = self.link.events.setdefault(self.number, [])
        while not events:
            self.link.pump()
        event = events.pop(0)
        if isinstance(event, h2.events.StreamReset):
            raise Reset(int(event.error_code))
        return event

    def head(self) -> Head:
        while True:
            event = self._next()
            if isinstance(event, (h2.events.RequestReceived, h2.events.ResponseReceived,
                                  h2.events.InformationalResponseReceived)):
                break
        pseudo = {name: value for name, value in event.headers if name.startswith(":")}
        fields = [(name, value) for name, value in event.headers if not name.startswith(":")]
        self._ended = getattr(event, "stream_ended", None) is not None
        return Head(fields, pseudo.get(":method", ""), pseudo.get(":path", ""), int(pseudo.get(":status", "0")),
                    self._ended, pseudo)

    def piece(self) -> bytes:
        while not self._ended:
            event = self._next()
            if isinstance(event, h2.events.DataReceived) and event.data:
                return event.data
            if isinstance(event, h2.events.TrailersReceived):
                self.trailers = [(name, value) for name, value in event.headers]
            if isinstance(event, h2.events.StreamEnded):
                self._ended = True
        return b""

    def body(self) -> bytes:
        data = b""
        while piece := self.piece():
            data += piece
        return data

    def tunnel(self, size: int) -> bytes:
        """So much of what a tunnel brought."""
        while len(self._tunnelled) < size and (piece := self.piece()):
            self._tunnelled += piece
        data, self._tunnelled = self._tunnelled[:size], self._tunnelled[size:]
        return data

    def tunnel_end(self) -> None:
        """Of a tunnel: its other side has said all it had to say."""
        if more := self._tunnelled or self.piece():
            raise AssertionError(f"{more!r} instead of the end")

    def tunnelled(self, data: bytes) -> None:
        self.data(data)

    def half_close(self) -> None:
        """A stream's own end has said it."""
