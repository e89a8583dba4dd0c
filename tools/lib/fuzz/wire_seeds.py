"""The cases of tests/wire as inputs of the fuzzers: the Python side of tests/fuzz/input.h, h2_frames.h and proxy.cc."""

import collections
import pathlib
import subprocess

from tests.wire import frames
from tests.wire.catalogue import Case, load

CODEC = {"h1 request": "h1_request", "h1 response": "h1_response", "h2 request": "h2_server", "h2 response": "h2_client"}
"""The fuzzer of the codec that a side's bytes go to."""

_GREETING = frames.frame(frames.SETTINGS, 0, 0, b"")
_FIN = 4
"""Of an HTTP/1 codec's choices: the end comes behind the bytes."""
_RAW = 4
"""Of an HTTP/2 codec's choices: bytes as they are, with nothing before them."""
_RESPONSES_TO = {b"HEAD": 1 << 3, b"POST": 2 << 3}
_TUNNEL = 3 << 3
_TEXT = 0x40
"""A header block in words."""
_KINDS, _STREAMS, _MOST = 12, 16, 254
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_CLIENT_SAYS, _PEER_SAYS, _CLIENT_ENDS, _PEER_ENDS = 0, 5, 11, 13
_H2_CLIENT, _H2_PEER = 1, 2
"""Of the proxy's choices."""


def write(folder: pathlib.Path, longest: dict[str, int]) -> dict[str, int]:
    """Each case in `folder`/NAME for the fuzzers that can have it; says how many of each. What is longer than `longest` of a fuzzer would
    be cut there, its choices first: such a case is none for it."""
    written: dict[str, int] = collections.Counter()
    for case in load():
        for name, data in seeds(case).items():
            if len(data) > longest[name]:
                continue
            path = folder / name / case.id.replace("/", "-")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            written[name] += 1
    return dict(written)


def wrong(start: list[str], environment: dict[str, str], folder: pathlib.Path) -> list[str]:
    """Of what `write` left in `folder`: the cases of which the program that `start` starts makes other bytes."""
    cases: dict[str, list[tuple[Case, pathlib.Path]]] = {}
    for case in load():
        path = folder / CODEC[case.side] / case.id.replace("/", "-")
        if path.exists():
            cases.setdefault(CODEC[case.side], []).append((case, path))
    found = [] if cases else [f"no seed in {folder}"]
    for name, its in cases.items():
        done = subprocess.run([*start, f"--fuzzer={name}", "--wire", *(str(path) for _, path in its)], env=environment,
                              capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        if done.returncode != 0 or len(lines) != len(its):
            found.append(f"{name}: exit {done.returncode}, {len(lines)} lines of {len(its)}: {done.stderr[-1000:]}")
            continue
        found += [f"{case.id}: {line} is not {wire(case).hex()}" for (case, _), line in zip(its, lines, strict=True)
                  if line != wire(case).hex()]
    return found


def seeds(case: Case) -> dict[str, bytes]:
    """By fuzzer."""
    found = {CODEC[case.side]: _of_codec(case)}
    program = _of_proxy(case)
    if program is not None:
        found["proxy"] = program
    return found


def wire(case: Case) -> bytes:
    """What a codec's fuzzer hands to the codec."""
    return (_GREETING if case.side == "h2 response" and case.greets else b"") + case.data


def _of_codec(case: Case) -> bytes:
    if case.side == "h1 request":
        return case.data + _choices(_FIN if case.end else 0)
    if case.side == "h1 response":
        asked = _TUNNEL if b"Upgrade: websocket" in case.ask else _RESPONSES_TO.get(case.ask.split(b" ")[0], 0)
        return case.data + _choices(asked | (_FIN if case.end else 0))
    whole = wire(case)
    before = (frames.PREFACE if case.side == "h2 request" else b"") + _GREETING
    if whole.startswith(before):
        program = _program(whole[len(before):])
        if program is not None:
            return b"".join(program) + _choices(0)
    return whole + _choices(_RAW)


def _choices(bits: int) -> bytes:
    """Read from the end: what `bits` say, cut twice, by the first of the ways."""
    return bytes((0, 1, 2, bits))


def _program(data: bytes) -> list[bytes] | None:
    """The frames as h2_frames.h has them, if they are just these bytes then."""
    program = []
    while data:
        length = int.from_bytes(data[:3], "big")
        head, payload, data = data[:9], data[9:9 + length], data[9 + length:]
        stream = int.from_bytes(head[5:], "big") if len(head) == 9 else _STREAMS
        if len(payload) < length or length > _MOST or stream >= _STREAMS or head[3] >= _KINDS:
            return None
        program.append(_in_words(head[3], head[4], stream, payload) or _as_it_is(head[3], head[4], stream, payload))
        if program[-1] is None:
            return None
    return program


def _as_it_is(kind: int, flags: int, stream: int, payload: bytes) -> bytes | None:
    if kind == frames.HEADERS and flags & _TEXT:
        return None
    return bytes((kind, flags, stream, len(payload))) + payload


def _in_words(kind: int, flags: int, stream: int, block: bytes) -> bytes | None:
    """So that a change of a letter is one of a field."""
    if kind != frames.HEADERS or flags & ~(frames.END_STREAM | frames.END_HEADERS):
        return None
    text = b""
    rest = block
    while rest:
        if rest[0] != 0 or len(rest) < 2:
            return None
        name, rest = rest[2:2 + rest[1]], rest[2 + rest[1]:]
        value, rest = rest[1:1 + rest[0]] if rest else b"", rest[1 + rest[0]:] if rest else b""
        text += name + b": " + value + b"\n"
    # Long strings, odd names and lost ends do not come back as they were.
    if len(text) > _MOST or b"".join(_literal(line) for line in text.split(b"\n")[:-1]) != block:
        return None
    return bytes((kind, flags | _TEXT, stream, len(text))) + text


def _literal(line: bytes) -> bytes:
    name, _, value = line.partition(b": ")
    return frames.literal(name, value)


def _of_proxy(case: Case) -> bytes | None:
    """A client that says the case and a peer that answers, or a client that asks and a peer that says the case."""
    speaks_h2 = case.side.startswith("h2")
    if speaks_h2:
        whole = wire(case)
        before = (frames.PREFACE if case.side == "h2 request" else b"") + _GREETING
        pieces = _program(whole[len(before):]) if whole.startswith(before) else None
        if pieces is None or any(len(piece) > _MOST for piece in pieces):
            return None
    else:
        pieces = [case.data[at:at + _MOST] for at in range(0, len(case.data), _MOST)]
    if case.side.endswith("request"):
        said = [*(_say(_CLIENT_SAYS, piece) for piece in pieces), _say(_PEER_SAYS, _OK)]
        end, bits = _CLIENT_ENDS, _H2_CLIENT if speaks_h2 else 0
    else:
        said = [_say(_CLIENT_SAYS, case.ask), *(_say(_PEER_SAYS, piece) for piece in pieces)]
        end, bits = _PEER_ENDS, _H2_PEER if speaks_h2 else 0
    return b"".join(said) + (_say(end, b"") if case.end else b"") + bytes((bits,))


def _say(operation: int, piece: bytes) -> bytes:
    return bytes((operation, len(piece))) + piece
