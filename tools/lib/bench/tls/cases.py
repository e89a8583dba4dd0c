"""What is asked of the proxies, over HTTP/1.1."""

import dataclasses

from tools.lib.bench.command import MIB
from tools.lib.bench.tls.origin import BIG, PUT, SMALL, SMALL_SIZE


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    about: str
    path: str
    unit: str
    """Of which the processor time is told."""
    clients: int = 8
    per_connection: int = 0
    """Requests of each connection; 0: all of them on `clients` connections."""
    uploads: bool = False
    answer_size: int = 0


CASES = {case.name: case for case in (
    Case("handshake", f"a new connection, a full handshake and a GET of {SMALL_SIZE} B", SMALL, "handshake", per_connection=1,
         answer_size=SMALL_SIZE),
    Case("get", "GET of 1 MiB on kept connections", BIG, "MiB", answer_size=MIB),
    Case("put", "PUT of 1 MiB on kept connections", PUT, "MiB", uploads=True),
)}
OUTS = ("plain", "tls")
"""How the proxy speaks to the origin; clients always speak TLS to it."""
