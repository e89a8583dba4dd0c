"""How bytes are written in the catalogue: printable text with escapes."""

import re

_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_SIMPLE = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"s": b" ", b"\\": b"\\", b"p": b"|"}
_RANGE = re.compile(r"\\x([0-9a-f]{2})-\\x([0-9a-f]{2})$")
_REPEAT = re.compile(rb"\*(\d+)\((.*?)\)\*", re.DOTALL)


def unescape(text: str) -> bytes:
    r"""`\r \n \t \0 \s (space) \p (|) \\ \xHH`; `*N(text)*` is text N times."""
    data = _REPEAT.sub(lambda match: int(match[1]) * match[2], text.encode("latin-1"))

    def one(match: re.Match) -> bytes:
        if match[1]:
            return bytes((int(match[1], 16),))
        if match[2] not in _SIMPLE:
            raise ValueError(f"unknown escape \\{match[2].decode('latin-1')} in {text!r}")
        return _SIMPLE[match[2]]

    return _ESCAPE.sub(one, data)


def values(text: str) -> list[str]:
    r"""The values of an `each` line: words, or ranges of bytes (`\x00-\x08`)."""
    found = []
    for word in text.split():
        if match := _RANGE.match(word):
            found += [f"\\x{byte:02x}" for byte in range(int(match[1], 16), int(match[2], 16) + 1)]
        else:
            found.append(word)
    return found


def slug(value: str) -> str:
    """A value as part of an id."""
    if re.fullmatch(r"[A-Za-z0-9._+-]{1,40}", value):
        return value
    return unescape(value).hex()[:40] or "empty"
