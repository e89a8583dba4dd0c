"""Every real server that peerpulse's probe ladder is tested against, and what is known of each."""

import dataclasses
import functools
from collections.abc import Callable

from tests.harness.go_peer import GoPeer
from tests.harness.grpc_peers import GrpcCppPeer, GrpcPythonPeer
from tests.harness.haproxy_h2c_peer import HaproxyH2cPeer
from tests.harness.nginx_peers import NginxH2cPeer
from tests.harness.node_peer import NodePeer
from tests.harness.peers import NghttpdPeer, Server
from tests.harness.steady_client import SteadyClient, SteadyGrpc, SteadyH2

FAST = ("fast_ping",)
SLOW = ("slow_ping", "l4")
"""Where a peer ends that takes offence at PINGs."""


@dataclasses.dataclass(frozen=True)
class RealServer:
    """`rungs`: where the ladder may end. `complains`: it answers too many PINGs by GOAWAY ENHANCE_YOUR_CALM, and its
    class can tell how often. `ends_idle`: within the seconds of a test it ends connections that carry nothing but
    PINGs, in order and without offence."""

    name: str
    make: Callable[..., Server]
    """Called with the host."""
    rungs: tuple[str, ...] = FAST
    client: Callable[..., SteadyClient] = SteadyH2
    """Called with host, address, number of exchanges, and their rate."""
    complains: bool = False
    ends_idle: bool = False
    missing: Callable[[], str] = lambda: ""
    """Why there can be none on this machine; empty if there can."""


def _nghttpd(host) -> NghttpdPeer:
    server = NghttpdPeer(host)
    server.add_file("steady", b"ok")
    return server


def _impatient_nginx(host) -> NginxH2cPeer:
    return NginxH2cPeer(host, header_timeout=1, keepalive_timeout=1)


def _flooded_nginx(host) -> NginxH2cPeer:
    return NginxH2cPeer(host, keepalive_requests=5)


def _impatient_haproxy(host) -> HaproxyH2cPeer:
    return HaproxyH2cPeer(host, keep_alive="1s", http_request="1s")


_POSTS = functools.partial(SteadyH2, body=b"body")
"""Nothing may send these again that is not sure that they were not processed."""

REAL_SERVERS = (
    RealServer("nginx", NginxH2cPeer),
    RealServer("nginx-idle", _impatient_nginx, ends_idle=True),
    RealServer("nginx-flood", _flooded_nginx, client=_POSTS, ends_idle=True),
    RealServer("nghttpd", _nghttpd),
    RealServer("haproxy", HaproxyH2cPeer, client=_POSTS),
    RealServer("haproxy-idle", _impatient_haproxy, ends_idle=True),
    RealServer("grpc-cpp", GrpcCppPeer, SLOW, SteadyGrpc, complains=True),
    RealServer("grpc-python", GrpcPythonPeer, SLOW, SteadyGrpc, complains=True),
    RealServer("go", GoPeer, client=_POSTS, missing=GoPeer.missing),
    RealServer("node", NodePeer, client=_POSTS, missing=NodePeer.missing),
)
