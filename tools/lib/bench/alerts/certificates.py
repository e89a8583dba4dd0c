"""Troubles with the certificates of TLS."""

import os
import pathlib
import subprocess

from tests.harness.peerpulse import Peer
from tools.lib.bench.alerts.cause import Cause, Expected

_CERTS = pathlib.Path(__file__).resolve().parents[3] / "certs"


class Certificates(Cause):
    name = "certificates"
    about = "a listener's certificate is replaced by one that expires in five days, then by one without its key"

    def prepare(self) -> None:
        self._directory = self.stage.local.directory / "certificates"
        self._certificate, self._key = self._make("node1", 90)
        well = self.stage.well()
        store = Peer("store", well[0].address, {**well[0].options, "tls": {"downstream": {
            "certificate_file": str(self._certificate), "key_file": str(self._key)}}})
        self.peerpulse = self.stage.peerpulse(self.name, [store, well[1]])

    def _make(self, name: str, days: int) -> tuple[pathlib.Path, pathlib.Path]:
        subprocess.run([_CERTS, self._directory, name], check=True, capture_output=True,
                       env={**os.environ, "DAYS": str(days)})
        return self._directory / f"{name}.pem", self._directory / f"{name}.key"

    def trouble(self):
        certificate, key = self._make("short", 5)
        key.replace(self._key)
        certificate.replace(self._certificate)
        yield [Expected("TlsCertificateExpiring", {"peer": "store", "certificate": "listener"}, 1)]
        certificate, _ = self._make("other", 90)
        certificate.replace(self._certificate)
        yield [Expected("TlsReloadFailing", {}, 1)]


CAUSES = (Certificates,)
