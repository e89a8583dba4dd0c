"""The peerpulse that the catalogue runs at: listeners and scripted peers, each pair for one run at a time."""

import asyncio
import contextlib
import pathlib
import shutil
import ssl
import tempfile

from tests.harness.certificates import Authority, Certificate
from tests.harness.host import LocalHost
from tests.harness.peerpulse import Peer as PeerEntry
from tests.harness.peerpulse import Peerpulse
from tests.wire.peer import PROBE_PATH, Peer
from tests.wire.runs import Place

# Nothing but the case itself shall decide what a run sees: no probe in the way, no circuit that opens, no second attempt.
_QUIET = {
    "workers": 1,
    "guard": {"mode": "proxy"},
    "probe": {"interval": "1s", "suspect_after": "30s", "icmp": False, "process_interval": "30s", "health_path": PROBE_PATH},
    "circuit": {"failure_threshold": 1_000_000},
    "retry": {"max_retries": 0, "replay_idempotent": False},
    # A machine that does other things, too, must not look like a slow side.
    "limits": {"header_timeout": "5m"},
    "timeouts": {kind: {"connect": "1m", "request": "0s", "stall": "0s", "min_bytes_per_second": 0}
                 for kind in ("control", "bulk", "stream")},
    "log": {"access": {"mode": "notable"}},
}


def _context(certificate: Certificate | None, authority: Authority, alpn: str) -> ssl.SSLContext:
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.file, certificate.key)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(authority.file)
        context.check_hostname = False
    context.set_alpn_protocols([alpn])
    return context


class World:
    """`places` of each kind: (what the peer speaks is HTTP/2, TLS on both sides)."""

    def __init__(self, places: int) -> None:
        self._count = places
        self.places: dict[tuple[bool, bool], list[Place]] = {}
        self._closing = contextlib.ExitStack()
        self.peerpulse: Peerpulse | None = None

    async def __aenter__(self) -> "World":
        host = LocalHost()
        self._closing.callback(host.close)
        folder = pathlib.Path(tempfile.mkdtemp(prefix="peerpulse-wire-"))
        self._closing.callback(shutil.rmtree, folder, ignore_errors=True)
        authority = Authority(folder / "authority")
        certificate = authority.issue("node")
        entries, made = [], []
        for http2 in (False, True):
            for tls in (False, True):
                alpn = "h2" if http2 else "http/1.1"
                for number in range(self._count):
                    peer = Peer(http2, _context(certificate, authority, alpn) if tls else None)
                    await peer.start_listening()
                    self._closing.callback(peer.stop)
                    name = f"{'h2' if http2 else 'h1'}-{'tls' if tls else 'plain'}-{number}"
                    options = {"protocol": "http2" if http2 else "http1"}
                    if tls:
                        options["tls"] = {
                            "upstream": {"enabled": True, "ca_file": str(authority.file)},
                            "downstream": {"certificate_file": str(certificate.file), "key_file": str(certificate.key)}}
                    entries.append(PeerEntry(name, f"127.0.0.1:{peer.port}", options))
                    made.append((http2, tls, name, peer))
        self.peerpulse = Peerpulse(host, entries, **_QUIET)
        clients = {"h1": _context(None, authority, "http/1.1"), "h2": _context(None, authority, "h2")}
        for http2, tls, name, peer in made:
            place = Place(name, self.peerpulse.listen[name], clients if tls else None, peer)
            self.places.setdefault((http2, tls), []).append(place)
        self._closing.callback(self._end)
        # The peers answer the probes that it waits for.
        await asyncio.to_thread(self.peerpulse.start)
        return self

    def _end(self) -> None:
        if self.peerpulse.process is not None:
            self.peerpulse.process.terminate(timeout=20)

    async def failures(self, place: Place) -> int:
        """That the peer is blamed for."""
        return (await asyncio.to_thread(self.peerpulse.peer, place.name))["failures_total"]

    async def all_failures(self) -> dict[str, int]:
        answer = await asyncio.to_thread(self.peerpulse.get, "/peers")
        return {peer["name"]: peer["failures_total"] for peer in answer.json()["peers"] if peer["failures_total"]}

    async def __aexit__(self, kind, *_exception) -> None:
        if kind is None:
            await asyncio.to_thread(self.peerpulse.check_end)
        self._closing.close()
