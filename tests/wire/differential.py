"""What other implementations make of the same bytes: python3-h11 of HTTP/1, python3-h2 of HTTP/2. Compared is what decides where
a message ends and whether it is taken: how many messages there are, their bodies, and whether something is refused. What
peerpulse makes of them is what the catalogue says, which runner.py shows. Intended differences are in differences.txt, each with
its reason; one that is not there is a fault of somebody, and one that is no longer seen goes."""

import dataclasses
import fnmatch
import pathlib

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h11

from tests.wire.catalogue import Case, load
from tests.wire.expectation import Expectation
from tests.wire.notation import unescape
from tests.wire.peer import SETTINGS

_TABLE = pathlib.Path(__file__).resolve().parent / "differences.txt"


@dataclasses.dataclass
class Reading:
    messages: int = 0
    """Taken, with all their bodies."""
    refused: bool = False
    bodies: list[bytes] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.messages} taken{', then refused' if self.refused else ''}"


def _ours(case: Case) -> tuple[Reading, bytes | None]:
    expected = Expectation(case.expect, case.side)
    body = next((unescape(text) for word, text in expected.checks if word == "body"), None)
    answers = " ".join(expected.answers.get(stream, "") for stream in sorted(expected.answers)).split()
    if "request" in case.side:
        taken = sum(answer == "200" for answer in answers)
        refused = any(answer[:1] in "45" or answer in ("rst", "broken") for answer in answers)
        refused |= expected.connection.startswith("goaway") or (expected.connection == "close" and not answers and not case.end)
        return Reading(taken, refused), body
    failed = any(answer in ("502", "504", "broken") for answer in answers) and expected.blamed
    taken = 0 if failed else sum(answer.isdigit() and not 100 <= int(answer) < 200 or answer == "101" for answer in answers)
    return Reading(taken, bool(failed)), body


# --- h11 -------------------------------------------------------------------------------------------------


def _h11_request(case: Case) -> Reading:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    reading = Reading()
    try:
        connection.receive_data(case.data)
        if case.end:
            connection.receive_data(b"")
        body = b""
        while True:
            event = connection.next_event()
            match event:
                case h11.Data(): body += event.data
                case h11.EndOfMessage():
                    reading.messages += 1
                    reading.bodies.append(body)
                    body = b""
                    connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                    connection.send(h11.EndOfMessage())
                    if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                        return reading
                    connection.start_next_cycle()
                case h11.Request(): pass
                case _: return reading
    except h11.RemoteProtocolError:
        reading.refused = True
    except h11.LocalProtocolError:
        pass  # CONNECT was taken: what follows is a tunnel
    return reading


def _h11_response(case: Case) -> Reading:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    line, _, fields = case.ask.partition(b"\r\n")
    headers = [tuple(field.split(b": ", 1)) for field in fields.split(b"\r\n") if field]
    connection.send(h11.Request(method=line.split(b" ")[0], target="/", headers=headers))
    connection.send(h11.EndOfMessage())
    reading = Reading()
    try:
        connection.receive_data(case.data)
        if case.end:
            connection.receive_data(b"")
        body = b""
        while True:
            event = connection.next_event()
            match event:
                case h11.Data(): body += event.data
                case h11.InformationalResponse() if event.status_code == 101:
                    reading.messages += 1
                    return reading
                case h11.EndOfMessage():
                    reading.messages += 1
                    reading.bodies.append(body)
                    return reading
                case h11.Response() | h11.InformationalResponse(): pass
                case _: return reading
    except h11.RemoteProtocolError:
        reading.refused = True
    return reading


# --- h2 --------------------------------------------------------------------------------------------------


def _h2(case: Case) -> Reading:
    serves = "request" in case.side
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=not serves))
    connection.initiate_connection()
    if not serves:
        connection.send_headers(1, [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")], end_stream=True)
    reading, bodies = Reading(), {}
    data = (SETTINGS if not serves and case.greets else b"") + case.data
    try:
        for event in connection.receive_data(data):
            match event:
                case h2.events.DataReceived(): bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                case h2.events.StreamEnded():
                    reading.messages += 1
                    reading.bodies.append(bodies.get(event.stream_id, b""))
                case h2.events.StreamReset(): reading.refused |= not serves
    except h2.exceptions.ProtocolError:
        reading.refused = True
    except (IndexError, ValueError, UnicodeDecodeError):
        reading.refused = True  # the library's own way of saying so
    return reading


_READERS = {"h1 request": _h11_request, "h1 response": _h11_response, "h2 request": _h2, "h2 response": _h2}


@dataclasses.dataclass
class Compared:
    same: int = 0
    intended: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)

    def summary(self) -> str:
        return (f"{self.same + self.intended + len(self.wrong)} cases: {self.same} alike, {self.intended} intended differences, "
                f"{len(self.wrong)} others")


def _table() -> dict[str, str]:
    """"stricter" or "laxer" by a pattern of ids; each row has a reason."""
    rows = {}
    for line in _TABLE.read_text(encoding="ascii").splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, which, reason = (part.strip() for part in line.split(" | "))
            if which not in ("stricter", "laxer") or not reason:
                raise ValueError(f"{_TABLE}: {line}")
            rows[pattern] = which
    return rows


def _difference(case: Case) -> tuple[str, str]:
    """Which of a row's words it is, and what; empty if there is none."""
    theirs = _READERS[case.side](case)
    ours, body = _ours(case)
    expected = Expectation(case.expect, case.side)
    # A connection error takes with it what was asked before it: how much of that was answered says nothing.
    if ours.refused and theirs.refused:
        return "", ""
    # Nobody is answered who leaves in the middle.
    left = case.end and ours.messages == theirs.messages and not ours.refused
    if not left and (ours.refused or not expected.any) and (ours.messages, ours.refused) != (theirs.messages, theirs.refused):
        return "stricter" if ours.refused else "laxer", f"{theirs} instead of {ours}"
    if body is not None and theirs.bodies and theirs.bodies[-1] != body:
        return "other body", f"body {theirs.bodies[-1][:60]!r} instead of {body[:60]!r}"
    return "", ""


def compare_all(cases: list[Case]) -> Compared:
    compared, rows = Compared(), _table()
    unused = set(rows)
    for case in cases:
        which, difference = _difference(case)
        if not which:
            compared.same += 1
            continue
        matching = [pattern for pattern, kind in rows.items() if kind == which and fnmatch.fnmatchcase(case.id, pattern)]
        unused.difference_update(matching)
        if matching:
            compared.intended += 1
        else:
            compared.wrong.append(f"{case.id}: {which}: {difference}")
    compared.wrong += [f"differences.txt: {pattern} is no difference any more" for pattern in sorted(unused) if len(cases) == len(load())]
    return compared
