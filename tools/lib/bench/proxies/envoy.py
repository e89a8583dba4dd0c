"""Envoy: h1 to the origin for h1, h2 for h2."""

import json

from tests.harness.peers import Server
from tools.lib.bench.proxies.proxy import OtherProxy, write_config

_TYPE = "type.googleapis.com/envoy.extensions"
_WINDOW = 16 << 20


def _socket(host: str, port: int) -> dict:
    return {"socket_address": {"address": host, "port_value": port}}


def _http2() -> dict:
    return {"max_concurrent_streams": 256, "initial_stream_window_size": _WINDOW,
            "initial_connection_window_size": _WINDOW}


def _manager(protocol: str) -> dict:
    return {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench", "codec_type": "HTTP2" if protocol == "h2" else "HTTP1",
        "generate_request_id": False, "http2_protocol_options": _http2(),
        "route_config": {"virtual_hosts": [{
            "name": "all", "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "origin", "timeout": "0s"}}]}]},
        "http_filters": [{"name": "router", "typed_config": {
            "@type": f"{_TYPE}.filters.http.router.v3.Router",
            "suppress_envoy_headers": True, "dynamic_stats": False}}],
    }


def _cluster(protocol: str, host: str, port: int) -> dict:
    upstream = {"http2_protocol_options": _http2()} if protocol == "h2" else {"http_protocol_options": {}}
    return {
        "name": "origin", "type": "STATIC", "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "origin", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": _socket(host, port)}}]}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": f"{_TYPE}.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": upstream}},
    }


class Envoy(OtherProxy):
    program = "envoy"

    def arguments(self, server: Server, protocol: str, origin: str) -> list[str]:
        host, port = origin.split(":")
        config = {
            "stats_config": {"stats_matcher": {"reject_all": True}},
            "static_resources": {
                "listeners": [{"name": "clients", "address": _socket(server.host.address, server.port),
                               "filter_chains": [{"filters": [
                                   {"name": "http", "typed_config": _manager(protocol)}]}]}],
                "clusters": [_cluster(protocol, host, int(port))],
            },
        }
        path = write_config(server, "envoy.json", json.dumps(config))
        return ["envoy", "--concurrency", "1", "--disable-hot-restart", "-l", "error", "-c", path]
