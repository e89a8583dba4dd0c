"""A peer that ends idle connections just as the next exchange is sent."""

from tests.harness.case import LocalCase
from tests.harness.haproxy_h2c_peer import HaproxyH2cPeer
from tests.harness.peerpulse import Peer
from tests.harness.steady_client import SteadyH2

_KEEP_ALIVE_MS = 100
_EXCHANGES = 50
_LATE_MS = (0.3, 0.6, 0.9, 1.2)
"""How long after the last exchange's end, and the keepalive timeout, the next one is sent: some hit the moment."""


class IdleRace(LocalCase):
    def test_what_was_sent_into_an_orderly_end_is_always_sent_again(self):
        """GOAWAY NO_ERROR says that it was not processed: that is no failing peer, whatever its share."""
        servers = {f"node{number + 2}": HaproxyH2cPeer(self.host, keep_alive=f"{_KEEP_ALIVE_MS}ms").start()
                   for number in range(2 * len(_LATE_MS))}
        peerpulse = self.start_peerpulse(self.host, [Peer(name, server.address) for name, server in servers.items()])
        rates = [1000 / (_KEEP_ALIVE_MS + late) for late in _LATE_MS for _ in range(2)]
        clients = {name: SteadyH2(self.host, peerpulse.listen[name], _EXCHANGES, rate, body)
                   for name, rate, body in zip(servers, rates, (b"", b"body") * len(_LATE_MS))}
        for name, client in clients.items():
            with self.subTest(peer=name):
                self.assertEqual(client.result().failures, [])
        retries = sum(value for series, value in peerpulse.metrics().items()
                      if series.startswith("peerpulse_retries_total"))
        self.assertGreater(retries, 0, "no exchange met the end of its connection")
