"""Scenario `police`: every real server of the tests is probed for minutes while exchanges flow to it.

Some of them police PINGs (gRPC), some end connections that carry nothing else (nginx, HAProxy). Wanted: no exchange
fails, and no peer has to complain more than once.
"""

from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.peers import Server
from tests.harness.real_servers import REAL_SERVERS, RealServer
from tests.harness.steady_client import SteadyResult
from tools.lib.bench.command import say
from tools.lib.bench.detect.scenario import Scenario, Settings, report, summary
from tools.lab import Lab

_PER_SECOND = 2
_SECONDS = 600
_TARGET = {"failed_exchanges": 0, "complaints": 1}
"""At most, of all and per peer."""


def _complaints(kind: RealServer, server: Server, probe: dict) -> int:
    """How often it answered PINGs by GOAWAY ENHANCE_YOUR_CALM, by its own log where it has one. `goaways` has the
    orderly ends of idle connections too."""
    return server.complaints() if kind.complains else probe["too_many_pings"]


def _result(kind: RealServer, server: Server, peer: dict, metrics: dict, events: list[dict],
            exchanges: SteadyResult) -> dict:
    def stage(name: str) -> int:
        return int(metrics[f'peerpulse_detection_stages_total{{peer="{kind.name}",stage="{name}"}}'])

    probe = peer["probe"]
    connects = int(metrics[f'peerpulse_probe_connects_total{{peer="{kind.name}"}}'])
    return {
        "mode": probe["mode"], "host": probe["host"], "pings_sent": probe["kinds"]["ping"]["sent"],
        "pings_acked": probe["kinds"]["ping"]["acked"],
        "goaways": probe["goaways"], "complaints": _complaints(kind, server, probe),
        "probe_connections": connects,
        # On the lower rungs, and while a suspicion is confirmed, connects are probes themselves.
        "closes_absorbed": connects - 1 if probe["mode"] == "fast_ping" and stage("suspect") == 0 else None,
        **summary(exchanges.latencies_ms),
        "failed_exchanges": len(exchanges.failures), "first_failures": exchanges.failures[:3],
        "suspects": stage("suspect"), "dead": stage("dead"),
        "circuit_opened": sum(event["peer"] == kind.name and event["circuit"] == "open" for event in events),
        "verdict": peer["verdict"], "expected_mode": probe["mode"] in kind.rungs,
    }


def _probe(seconds: float, kinds: list[RealServer], profile: str) -> tuple[dict[str, dict], list[float]]:
    """What became of each server, by its name, and the milliseconds of all exchanges."""
    with Lab(nodes=2) as lab:
        local, remote = lab.nodes
        servers = [kind.make(remote).start() for kind in kinds]
        with Peerpulse(local, [Peer(kind.name, server.address) for kind, server in zip(kinds, servers)],
                       log={"access": {"mode": "off"}}, probe={"profile": profile}) as peerpulse:
            clients = [kind.client(local, peerpulse.listen[kind.name], round(seconds * _PER_SECOND), _PER_SECOND)
                       for kind in kinds]
            exchanges = [client.result() for client in clients]
            peers, metrics = peerpulse.get("/peers").json()["peers"], peerpulse.metrics()
            events = peerpulse.events()
        results = {kind.name: _result(kind, server, peer, metrics, events, of_it)
                   for kind, server, peer, of_it in zip(kinds, servers, peers, exchanges)}
    return results, [latency for of_it in exchanges for latency in of_it.latencies_ms]


def _say(name: str, server: dict) -> None:
    say(f"  {name:13} {server['mode']:9} pings {server['pings_acked']}/{server['pings_sent']}, goaways "
        f"{server['goaways']} (complaints {server['complaints']}), probe connections {server['probe_connections']}, "
        f"closes absorbed {server['closes_absorbed']}, failed exchanges {server['failed_exchanges']}, good ones "
        f"{server['n']}, suspects {server['suspects']}, dead {server['dead']}")


def _failures(servers: dict[str, dict]) -> list[str]:
    failures = []
    for name, server in servers.items():
        if server["failed_exchanges"]:
            failures.append(f"{name}: {server['failed_exchanges']} failed exchanges: {server['first_failures']}")
        if server["dead"] or server["circuit_opened"] or server["verdict"] != "alive":
            failures.append(f"{name}: dead {server['dead']}, circuit opened {server['circuit_opened']}, at last "
                            f"{server['verdict']}")
    return failures


def _police(settings: Settings) -> dict:
    seconds = settings.seconds_or(_SECONDS)
    kinds = [kind for kind in REAL_SERVERS if not kind.missing()]
    skipped = {kind.name: kind.missing() for kind in REAL_SERVERS if kind.missing()}
    say(f"  {len(kinds)} servers for {seconds:g} s" + (f"; not there: {skipped}" if skipped else ""))
    servers, latencies = _probe(seconds, kinds, settings.profile)
    for name, server in servers.items():
        _say(name, server)
    counted = {"false_dead": sum(server["dead"] for server in servers.values()),
               "suspects": sum(server["suspects"] for server in servers.values()),
               "peer_seconds": round(seconds * len(servers))}
    failed = sum(server["failed_exchanges"] for server in servers.values())
    complaints = max(server["complaints"] for server in servers.values())
    return report("police", settings, latencies, counted, _failures(servers), target=_TARGET,
                  within_target=failed <= _TARGET["failed_exchanges"] and complaints <= _TARGET["complaints"],
                  failed_exchanges=failed, complaints=complaints, servers=servers, skipped=skipped)


SCENARIOS = [
    Scenario("police", f"""Every real server of tests/lab/test_real_servers is probed for {_SECONDS} s (--seconds), while
real clients make {_PER_SECOND} exchanges a second with each through peerpulse. The times are those exchanges': a proxy
hop, a server and a client that share the processors. complaints: GOAWAY ENHANCE_YOUR_CALM, the most that one peer sent;
goaways has the orderly ends of idle connections too. closes_absorbed: probe connections opened again, null where
connects are probes themselves.""", _police),
]
