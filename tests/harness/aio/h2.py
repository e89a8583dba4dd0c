"""HTTP/2 for both roles on python3-h2, which keeps the state. GOAWAY, which for it is the end of everything, passes by
it in both directions: what is under way may end."""

import asyncio
import struct

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from tests.harness.aio.h1 import Fields
from tests.harness.aio.h2_stream import CutOff, H2Stream, NotProcessed, StreamReset
from tests.harness.aio.wire import Wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_ERROR, ENHANCE_YOUR_CALM = 0, 11
_FRAME_HEAD = 9
_GOAWAY = 7
_SMALL_READ = 4096


class H2Link:
    """One connection. `serve(stream)` of a server is called, as a task, for each request.

    run() reads until the connection ends; it never raises. Whoever made the link closes it by close().
    """

    def __init__(self, wire: Wire, serve=None) -> None:
        self.wire = wire
        self._serve = serve
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=serve is None, header_encoding="utf-8", validate_inbound_headers=False))
        self.streams: dict[int, H2Stream] = {}
        self.goaway: tuple[int, int] | None = None
        """Last id and error code of the one that came."""
        self.ended = False
        self.small_updates = False
        """Two WINDOW_UPDATEs for each 4 KiB that are read."""
        self._ends_when_idle = False
        self._resets_allowed: int | None = None
        self._reset_unaccepted: set[int] = set()
        self._unaccepted: set[int] = set()
        """Requests that were read in this turn."""
        self._last_served: int | None = None
        """Of a server that has said GOAWAY."""
        self._pongs: dict[bytes, asyncio.Future] = {}
        self._windows = asyncio.Event()
        self._tasks: set[asyncio.Task] = set()
        self._reader: asyncio.Task | None = None
        self._input = b""
        self._preface_due = serve is not None

    async def start(self) -> "H2Link":
        self.state.initiate_connection()
        await self.flush()
        self._reader = asyncio.create_task(self._run())
        return self

    async def flush(self) -> None:
        """What the state has to say goes out in its order: nothing waits between taking it and its turn to be sent."""
        data = self.state.data_to_send()
        if data and not self.ended:
            await self._send(data)

    async def _send(self, data: bytes) -> None:
        """To its end even if the caller is cancelled meanwhile: half a frame would be the end of all streams."""
        sending = asyncio.ensure_future(self.wire.send(data))
        self._tasks.add(sending)
        sending.add_done_callback(self._sent)
        await asyncio.shield(sending)

    def _sent(self, sending: asyncio.Future) -> None:
        self._tasks.discard(sending)
        if not sending.cancelled():
            sending.exception()  # whoever waits has it too; nobody may wait any more

    def acknowledge(self, number: int, counted: int) -> None:
        try:
            if counted and self.small_updates:
                self._acknowledge_in_pieces(number, counted)
            elif counted:
                self.state.acknowledge_received_data(counted, number)
        except h2.exceptions.ProtocolError:
            pass  # the stream or the connection has gone

    def _acknowledge_in_pieces(self, number: int, counted: int) -> None:
        """As a reader of small buffers does that refreshes both windows after each."""
        for done in range(0, counted, _SMALL_READ):
            size = min(_SMALL_READ, counted - done)
            self.state.increment_flow_control_window(size)
            self.state.increment_flow_control_window(size, number)

    async def room(self, stream: H2Stream) -> int:
        """How much may be sent now; waits until it is something."""
        while True:
            if stream.error is not None:
                raise stream.error
            room = min(self.state.local_flow_control_window(stream.number), self.state.max_outbound_frame_size)
            if room > 0:
                return room
            self._windows.clear()
            await self._windows.wait()

    async def open(self, fields: Fields, end: bool) -> H2Stream:
        number = self.state.get_next_available_stream_id()
        stream = H2Stream(self, number)
        self.streams[number] = stream
        self.state.send_headers(number, fields, end_stream=end)
        await self.flush()
        return stream

    async def ping(self, payload: bytes, timeout: float) -> None:
        """Raises TimeoutError if there is no ACK in time."""
        pong = asyncio.get_running_loop().create_future()
        self._pongs[payload] = pong
        self.state.ping(payload)
        try:
            await self.flush()
            async with asyncio.timeout(timeout):
                await pong
        finally:
            del self._pongs[payload]

    async def wait_end(self) -> None:
        """Until the other side has ended the connection, or retire() has."""
        await asyncio.wait([self._reader])

    def stop(self) -> None:
        """Nothing more is read, and wait_end() returns."""
        self._reader.cancel()

    async def retire(self) -> None:
        """Of a server: GOAWAY for what comes from now on, and the end when the streams that are there have ended."""
        self._last_served = self.state.highest_inbound_stream_id
        await self.send_goaway(self._last_served)
        self.close_when_idle()

    def close_when_idle(self) -> None:
        """Ends this direction as soon as the last stream has been forgotten."""
        self._ends_when_idle = True
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self._ends_when_idle and not self.streams:
            try:
                self.wire.end()
            except OSError:
                pass  # the other side was first

    def _start(self, work) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def send_goaway(self, last: int, code: int = NO_ERROR) -> None:
        await self._send(struct.pack(">I", 8)[1:] + bytes((_GOAWAY, 0)) + bytes(4) + struct.pack(">II", last, code))

    @property
    def retiring(self) -> bool:
        return self._last_served is not None

    @property
    def usable(self) -> bool:
        return not self.ended and self.goaway is None

    async def _run(self) -> None:
        error: Exception
        try:
            while data := await self.wire.receive():
                self._take(data)
                await self.flush()
            error = CutOff("end of stream")
        except (OSError, h2.exceptions.ProtocolError) as reason:
            error = CutOff(f"{type(reason).__name__}: {reason}")
        self.fail(error)

    def fail(self, error: Exception) -> None:
        """The connection is over: so is every stream."""
        if self.ended:
            return
        self.ended = True
        if self.goaway is not None:
            error = ConnectionError(f"end after GOAWAY {self.goaway}")
        for stream in list(self.streams.values()):
            stream.fail(error)
        for pong in self._pongs.values():
            if not pong.done():
                pong.set_exception(error)
        self._windows.set()

    def _take(self, data: bytes) -> None:
        self._input += data
        if self._preface_due:
            if len(self._input) < len(PREFACE):
                return
            self.state.receive_data(self._input[:len(PREFACE)])
            self._input = self._input[len(PREFACE):]
            self._preface_due = False
        while len(self._input) >= _FRAME_HEAD:
            size = _FRAME_HEAD + int.from_bytes(self._input[:3], "big")
            if len(self._input) < size:
                return
            frame, self._input = self._input[:size], self._input[size:]
            self._take_frame(frame)

    def _take_frame(self, frame: bytes) -> None:
        kind, payload = frame[3], frame[_FRAME_HEAD:]
        if kind == _GOAWAY:
            last, code = struct.unpack(">II", payload[:8])
            self._take_goaway(last & 0x7fffffff, code)
        else:
            for event in self.state.receive_data(frame):
                self._take_event(event)

    def _take_goaway(self, last: int, code: int) -> None:
        self.goaway = (last, code)
        for number, stream in list(self.streams.items()):
            if number > last:
                stream.fail(NotProcessed(f"GOAWAY {code}, last id {last}, of stream {number}"))

    def _take_event(self, event) -> None:
        match event:
            case h2.events.RequestReceived():
                if self._last_served is not None and event.stream_id > self._last_served:
                    return
                stream = H2Stream(self, event.stream_id)
                self.streams[event.stream_id] = stream
                stream.take_head(event.headers)
                self._unaccepted.add(stream.number)
                self._start(self._accept(stream))
            case h2.events.ResponseReceived() if event.stream_id in self.streams:
                self.streams[event.stream_id].take_head(event.headers)
            case h2.events.TrailersReceived() if event.stream_id in self.streams:
                self.streams[event.stream_id].trailers = dict(event.headers)
            case h2.events.DataReceived():
                self._take_data(event)
            case h2.events.StreamEnded() if event.stream_id in self.streams:
                self.streams[event.stream_id].end()
            case h2.events.StreamReset() if event.stream_id in self.streams:
                self.streams[event.stream_id].fail(StreamReset(int(event.error_code)))
                self._windows.set()
                self._count_reset(self.streams[event.stream_id])
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self._windows.set()
            case h2.events.PingAckReceived():
                pong = self._pongs.get(event.ping_data)
                if pong is not None and not pong.done():
                    pong.set_result(None)

    def police(self, resets: int) -> None:
        """Of a server: the connection ends when more streams than that are reset by its client before their requests
        were looked at. hyper does so against rapid resets (max_pending_accept_reset_streams, 20)."""
        self._resets_allowed = resets

    def _count_reset(self, stream: H2Stream) -> None:
        if stream.number not in self._unaccepted:
            return
        self._reset_unaccepted.add(stream.number)
        if self._resets_allowed is not None and len(self._reset_unaccepted) == self._resets_allowed + 1:
            self._start(self._calm())

    async def _accept(self, stream: H2Stream) -> None:
        """What a server does in a turn of its own, when it has read all that there was."""
        self._unaccepted.discard(stream.number)
        if stream.number in self._reset_unaccepted:
            self._reset_unaccepted.remove(stream.number)
            self.forget(stream)
        else:
            await self._serve(stream)

    async def _calm(self) -> None:
        await self.send_goaway(self.state.highest_inbound_stream_id, ENHANCE_YOUR_CALM)
        self._reader.cancel()

    def _take_data(self, event) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is None or stream.error is not None:
            self.acknowledge(event.stream_id, event.flow_controlled_length)
        else:
            stream.take(event.data, event.flow_controlled_length)

    def forget(self, stream: H2Stream) -> None:
        """Its owner is done with it."""
        self.streams.pop(stream.number, None)
        self._end_if_idle()

    async def close(self, *, goaway: bool = True, reset: bool = False) -> None:
        for task in [*self._tasks, *([self._reader] if self._reader else [])]:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if goaway and not self.ended and not reset:
            try:
                await self.send_goaway(0)
            except OSError:
                pass
        self.fail(ConnectionError("closed"))
        if reset:
            self.wire.reset()
        else:
            self.wire.close()
