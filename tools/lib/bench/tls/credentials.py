"""One authority and one certificate (ECDSA P-256) for everybody, and the one cipher."""

import dataclasses

from tests.harness.certificates import Authority, Certificate

CIPHER = "TLS_AES_128_GCM_SHA256"
"""Client and origin take no other, so that everybody between them has no choice."""

NAME = "origin.example"
"""Of the certificate, beside its address: nginx verifies names only."""


@dataclasses.dataclass(frozen=True)
class Credentials:
    authority: Authority
    certificate: Certificate

    @classmethod
    def make(cls, directory) -> "Credentials":
        authority = Authority(directory / "certificates")
        return cls(authority, authority.issue("bench", "IP:127.0.0.1", f"DNS:{NAME}"))
