"""Bodies of no two places alike: a lost or moved piece shows."""

import hashlib


def unlike(size: int) -> bytes:
    """`size` bytes."""
    return b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(-(-size // 32)))[:size]
