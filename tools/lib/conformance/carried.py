"""peerpulse before one server."""

import contextlib
from collections.abc import Iterator

from tests.harness.peerpulse import Peer, Peerpulse

_NAME = "node2"


@contextlib.contextmanager
def carried(host, address: str, **options) -> Iterator[tuple[str, int]]:
    """Where the server at `address` is reached through peerpulse; `options` are its peer's."""
    proxy = Peerpulse(host, [Peer(_NAME, address, options)], log={"level": "warn"})
    with proxy:
        proxy.wait_verdict(_NAME, "alive")
        yield proxy.listen[_NAME]
