"""What the dashboard shows: rows of panels, each with its queries. $instance and $peer are chosen on the dashboard.

Where a scrape tells less by peer (metrics.per_peer), a query without its `peer` shows the sum: "All" of $peer matches that, too.
"""

import dataclasses

_I = 'instance=~"$instance"'
_P = f'{_I}, peer=~"$peer"'
_H = f'{_I}, peer_host=~"$peer"'
_RATE = "[$__rate_interval]"


@dataclasses.dataclass(frozen=True)
class Query:
    expression: str
    legend: str


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    says: str
    unit: str
    """Of Grafana."""
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    width: int = 8
    """Of 24."""
    words: tuple[tuple[float, str, str], ...] = ()
    """Values that have a name and a colour."""
    most: float | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


def _panel(title: str, says: str, unit: str, *queries: tuple[str, str], **more) -> Panel:
    return Panel(title, says, unit, tuple(Query(*query) for query in queries), **more)


def _rate(metric: str, labels: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}{{{labels}}}{_RATE}))"


def _quantile(share: float, metric: str, labels: str, by: str) -> str:
    return f"histogram_quantile({share}, sum by ({by}, le) (rate({metric}_bucket{{{labels}}}{_RATE})))"


_FAILURES = _rate("rustfs_upload_failures_total", f'{_I}, reason!="client_aborted"', "instance")
_SUCCESSES = _rate("rustfs_upload_success_total", _I, "instance")
_VERDICTS = ((0, "unknown", "gray"), (1, "alive", "green"), (2, "suspect", "yellow"), (3, "refusing", "orange"),
             (4, "stalled", "purple"), (5, "dead", "red"))
_VERDICT = "max by (instance, peer) (" + " or ".join(
    f'(peerpulse_peer_verdict{{{_P}, verdict="{word}"}} == 1) * {number}' for number, word, _ in _VERDICTS) + ")"
_LOCAL = "sum by (instance, state) (peerpulse_local_health{" + _I + "})"

ROWS = (
    Row("Cluster", (
        _panel("Nodes reached", "As each node sees it, itself among them; below the quorum writes through it fail.", "short",
               (f"peerpulse_cluster_online{{{_I}}}", "{{instance}} reaches"),
               (f"max(peerpulse_cluster_quorum{{{_I}}})", "quorum"), width=6),
        _panel("Verdicts", "What each node thinks of each peer.", "none", (_VERDICT, "{{instance}}: {{peer}}"),
               kind="state-timeline", width=12, words=_VERDICTS),
        _panel("This host itself", "Other than ok: what the node says of its peers is to be doubted first.", "none",
               (_LOCAL, "{{instance}} {{state}}"), width=6, most=1),
    )),
    Row("Peer connection health", (
        _panel("Active connections per peer", "Data connections in use or idle, and the probe's. 0: unreachable.", "short",
               (f"sum by (instance, peer_host) (rustfs_peer_connections_active{{{_H}}})", "{{instance}}: {{peer_host}}")),
        _panel("Connection failure rate", "Failed attempts to connect.", "ops",
               (_rate("rustfs_peer_connection_failures_total", _H, "instance, peer_host"), "{{instance}}: {{peer_host}}")),
        _panel("Connection eviction rate", "Pooled connections closed as no longer good, those of a death among them.", "ops",
               (_rate("rustfs_peer_connection_evictions_total", _H, "instance, peer_host"), "{{instance}}: {{peer_host}}")),
        _panel("Score", "1: as well as ever; 0: dead.", "percentunit",
               (f"min by (instance, peer) (peerpulse_peer_score{{{_P}}})", "{{instance}}: {{peer}}"), most=1),
        _panel("Probe round trip, p99", "Over the last 256 answers.", "s",
               (f"max by (instance, peer) (peerpulse_probe_rtt_p99_seconds{{{_P}}})", "{{instance}}: {{peer}}")),
        _panel("Lost", "Times that a peer was lost, by verdict, and circuits opened.", "short",
               (f'sum by (instance, peer, to) (increase(peerpulse_transitions_total{{{_P}, to=~"dead|refusing|stalled|open"}}'
                f"{_RATE}))", "{{instance}}: {{peer}} {{to}}")),
    )),
    Row("RPC performance", (
        _panel("P99 latency per peer", "What the circuit or a limit refused is not in it.", "s",
               (_quantile(0.99, "rustfs_peer_rpc_duration_seconds", _H, "instance, peer_host"), "{{instance}}: {{peer_host}}")),
        _panel("P50 and P99 latency per operation", "Operations are the names of the routes.", "s",
               (_quantile(0.5, "rustfs_peer_rpc_duration_seconds", _H, "operation"), "{{operation}} p50"),
               (_quantile(0.99, "rustfs_peer_rpc_duration_seconds", _H, "operation"), "{{operation}} p99")),
        _panel("Timeout rate", "Exchanges ended by a deadline that the peer let pass.", "ops",
               (_rate("rustfs_peer_timeout_total", _H, "instance, peer_host"), "{{instance}}: {{peer_host}}")),
        _panel("Requests and failures", "Failed: by the peer. Refused: at once, by the circuit.", "reqps",
               (_rate("peerpulse_requests_total", _P, "peer"), "{{peer}}"),
               (_rate("peerpulse_failures_total", _P, "peer"), "{{peer}} failed"),
               (_rate("peerpulse_fast_failures_total", _P, "peer"), "{{peer}} refused")),
        _panel("Answers by status", "Of the peers; own: given by peerpulse in their place.", "reqps",
               (_rate("peerpulse_responses_total", _P, "status"), "{{status}}"),
               (f"sum(rate(peerpulse_own_responses_total{{{_P}}}{_RATE}))", "own")),
        _panel("In flight", "Exchanges accepted and not finished.", "short",
               (f"sum by (instance, peer) (peerpulse_exchanges_in_flight{{{_P}}})", "{{instance}}: {{peer}}")),
        _panel("Body bytes", "Carried to and from the peers.", "Bps",
               (_rate("peerpulse_bytes_total", _P, "peer, direction"), "{{peer}} {{direction}}")),
        _panel("Retries", "Of all requests; the budget is 10 %.", "percentunit",
               (f"sum by (instance) (rate(peerpulse_retries_total{{{_P}}}{_RATE})) / "
                f"sum by (instance) (rate(peerpulse_requests_total{{{_P}}}{_RATE}))", "{{instance}}")),
        _panel("Slow peers", "Workers that have a limit for a peer, because it is slow.", "short",
               (f"sum by (instance, peer) (peerpulse_governor_limiting{{{_P}}})", "{{instance}}: {{peer}}")),
    )),
    Row("Upload operations", (
        _panel("Upload success rate", "Without what clients gave up.", "percentunit",
               (f"{_SUCCESSES} / ({_SUCCESSES} + {_FAILURES})", "{{instance}}"), most=1),
        _panel("Upload duration, P95", "Of successful uploads, by size.", "s",
               (_quantile(0.95, "rustfs_upload_duration_seconds", _I, "size_bucket"), "{{size_bucket}}")),
        _panel("Upload failures", "By reason.", "ops",
               (_rate("rustfs_upload_failures_total", _I, "reason"), "{{reason}}")),
        _panel("Uploads under way", "Now.", "short", (f"sum by (instance) (rustfs_upload_in_progress{{{_I}}})", "{{instance}}")),
        _panel("Aggregations (console)", "Of the fan-out API.", "s",
               (_quantile(0.95, "rustfs_console_aggregation_duration_seconds", _I, "instance"), "{{instance}} p95")),
        _panel("Partial aggregations", "Without some peer's answer.", "ops",
               (_rate("rustfs_console_aggregation_partial_total", _I, "instance"), "{{instance}}")),
    )),
    Row("This process", (
        _panel("Refused by our own limits", "No peer's doing.", "ops",
               (_rate("peerpulse_limit_refusals_total", _I, "instance, limit"), "{{instance}} {{limit}}")),
        _panel("Descriptors", "In use and the limit; clients.", "short",
               (f"process_open_fds{{{_I}}} and on (job, instance) peerpulse_build_info", "{{instance}} open"),
               (f"process_max_fds{{{_I}}} and on (job, instance) peerpulse_build_info", "{{instance}} limit"),
               (f"sum by (instance) (peerpulse_downstream_connections{{{_I}}})", "{{instance}} clients")),
        _panel("Processor and loop lag", "CPU: cores. Lag: p99 of the event loops.", "short",
               (f"rate(process_cpu_seconds_total{{{_I}}}{_RATE}) and on (job, instance) peerpulse_build_info",
                "{{instance}} CPU"),
               (_quantile(0.99, "peerpulse_loop_lag_seconds", _I, "instance, loop"), "{{instance}} {{loop}} lag, s")),
        _panel("Memory", "Resident.", "bytes",
               (f"process_resident_memory_bytes{{{_I}}} and on (job, instance) peerpulse_build_info", "{{instance}}")),
        _panel("Guard", "Peers whose connections are refused on the whole host.", "short",
               (f"sum by (instance, peer) (peerpulse_guard_refused{{{_P}}})", "{{instance}}: {{peer}}")),
        _panel("Lost lines and events, requests through an open circuit", "All should be 0.", "ops",
               (_rate("peerpulse_log_dropped_total", _I, "instance"), "{{instance}} log lines"),
               (_rate("peerpulse_report_dropped_total", _I, "instance"), "{{instance}} events"),
               (_rate("peerpulse_fail_open_total", _I, "instance"), "{{instance}} failed open")),
    )),
)
