"""What a case expects and what was seen, as the same terms, so that they can be compared and printed."""

import dataclasses

from tests.wire.messages import Message
from tests.wire.notation import unescape

_CONNECTION = ("open", "close")
_POOLED = ("reuse", "drop")
_OF_HTTP1 = ("connection", "transfer-encoding", "upgrade")
"""Fields that the other side gets in HTTP/1 alone."""


@dataclasses.dataclass
class Seen:
    """`answers` by stream; HTTP/1 has stream 1 only. One is the statuses of an exchange ("103 200"), "rst CODE", or
    "... cut": begun and broken off. An expected "broken" is any of these that is no complete answer of the peer's: how far it got
    depends on where the bytes were cut."""

    answers: dict[int, str] = dataclasses.field(default_factory=dict)
    connection: str = ""
    """The client's: open, close, goaway CODE."""
    requests: list[Message] = dataclasses.field(default_factory=list)
    """That reached the peer whole."""
    cut: bool = False
    """A request reached it, and was broken off."""
    reply: Message | None = None
    """What the client has of the last answer."""
    error: str = ""
    """Of peerpulse's own answer: Proxy-Status."""
    upstream: str = ""
    """Peer's side: reuse, drop, goaway CODE, rst CODE."""
    blamed: bool | None = None
    """Whether it counted as the peer's failure; None: not looked at."""


class Expectation:
    def __init__(self, text: str, side: str) -> None:
        self.answers: dict[int, str] = {}
        self.connection = ""
        self.upstream = ""
        self.error = ""
        self.count: int | None = None
        self.cut = False
        self.may_cut = False
        self.blamed: bool | None = None
        self.checks: list[tuple[str, str]] = []
        self.any = False
        self.only_http1 = False
        """Says nothing of another side that speaks HTTP/2."""
        self.to_http2 = ""
        """The answer of stream 1, if the other side speaks HTTP/2 and is told otherwise."""
        self._responds = "response" in side
        self._http1 = side.startswith("h1")
        for term in text.split(";"):
            self._term(term.strip())
        self._defaults()

    def _term(self, term: str) -> None:
        word, _, rest = term.partition(" ")
        if term in _CONNECTION or (word == "goaway" and not self._responds):
            self.connection = term
        elif term in _POOLED or (self._responds and word in ("goaway", "rst")):
            self.upstream = term
        elif word == "peer":
            self.count = int(rest)
        elif term == "cut" and not self._responds:
            self.cut = True
        elif term == "any":
            self.any = True
        elif term == "onlyhttp1":
            self.only_http1 = True
        elif word == "tohttp2":
            self.to_http2 = rest
        elif term == "maycut":
            self.may_cut = True
        elif term in ("blame", "noblame"):
            self.blamed = term == "blame"
        elif word == "error":
            self.error = rest
        elif word in ("line", "has", "hasnt", "body", "trailer", "notrailer"):
            self.checks.append((word, rest))
        elif word.endswith(":") and word[:-1].isdigit():
            self.answers[int(word[:-1])] = rest
        elif word.isdigit() or word in ("rst", "none", "broken"):
            if term != "none":
                self.answers[1] = term
        else:
            raise ValueError(f"unknown term {term!r}")

    def _defaults(self) -> None:
        first = self.answers.get(1, "")
        good = [answer for answer in self.answers.values() if answer.split(" ")[-1] in ("200", "204", "101")]
        if self._responds:
            failed = first.endswith("cut") or first in ("broken", "502", "504")
            self.upstream = self.upstream or ("drop" if failed else "reuse")
            if self.blamed is None:
                self.blamed = failed
            return
        if self.count is None:
            self.count = sum(answer.split(" ").count("200") for answer in good)
        if not self.connection:
            error = first.split(" ")[-1][:1] in ("4", "5")
            self.connection = "close" if error and self._http1 else "open"

    def problems(self, seen: Seen, to_http2: bool = False) -> list[str]:
        found = []
        wanted = {1: self.to_http2} if to_http2 and self.to_http2 else self.answers
        if wanted.get(1) == "broken":
            if seen.answers.get(1, "cut").split(" ")[-1] not in ("cut", "502"):
                found.append(f"a complete answer {seen.answers} instead of a broken one")
        elif (answers := {number: text for number, text in seen.answers.items() if number in wanted or not self.any}
              ) != wanted:
            found.append(f"answers {seen.answers} instead of {wanted}")
        if self._responds:
            if seen.upstream and seen.upstream != self.upstream:
                found.append(f"{seen.upstream} instead of {self.upstream}")
            if seen.blamed is not None and seen.blamed != self.blamed:
                found.append(f"the peer was{'' if seen.blamed else ' not'} blamed")
        else:
            if seen.connection != self.connection:
                found.append(f"{seen.connection} instead of {self.connection}")
            if self.any:
                return found
            if len(seen.requests) != self.count:
                found.append(f"the peer got {[request.line for request in seen.requests]} instead of {self.count}")
            if seen.cut and not (self.cut or self.may_cut):
                found.append("the peer got a request that was broken off")
            if self.cut and not seen.cut:
                found.append("the peer got nothing of the request")
            if seen.blamed:
                found.append("the peer was blamed")
        if self.error and seen.error != self.error:
            found.append(f"error {seen.error!r} instead of {self.error!r}")
        message = seen.reply if self._responds else (seen.requests[-1] if seen.requests else None)
        for word, text in self.checks:
            if to_http2 and word == "has" and text.partition(":")[0].lower() in _OF_HTTP1:
                continue
            if problem := "no message" if message is None else _check(message, word, text):
                found.append(f"{word} {text}: {problem}")
        return found


def _check(message: Message, word: str, text: str) -> str:
    def pair() -> tuple[str, str]:
        name, _, value = text.partition(":")
        return unescape(name).decode("latin-1").lower(), unescape(value.strip()).decode("latin-1")

    fields = [(name.lower(), value) for name, value in message.fields]
    trailers = [(name.lower(), value) for name, value in message.trailers]
    match word:
        case "line": good, seen = message.line.encode("latin-1") == unescape(text), message.line
        case "has": good, seen = pair() in fields, fields
        case "hasnt": good, seen = text.lower() not in dict(fields), fields
        case "body": good, seen = message.body == unescape(text), message.body
        case "trailer": good, seen = pair() in trailers, trailers
        case _: good, seen = text.lower() not in dict(trailers), trailers
    return "" if good else f"it is {seen!r}"
