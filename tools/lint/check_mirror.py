#!/usr/bin/python3
"""Checks that tests/unit mirrors src: whoever changes src/log/log.cc finds its tests in tests/unit/log/log_test.cc.

Usage: check_mirror.py [SOURCE_ROOT]. A concept is a source file, or a header without one, of a module; its test must be
there and be compiled. Those without have a line in WITHOUT, which says where they are tested or why they need no test.
Prints one line per violation; exit status 1 if there is any.
"""

import re
import sys
from pathlib import Path

# A test file that a reason names must be there.
WITHOUT = {
    "base/peer_id": "a number with a type of its own",
    "base/address_set": "a record: tests/unit/net/address_order_test.cc, tests/unit/dns/name_record_test.cc",
    "base/thread_annotations": "mutex_test.cc, and what the compiler must refuse: tests/unit/base/meson.build",
    "event/scheduler": "an interface: dispatcher_test.cc, tests/unit/support/virtual_scheduler_test.cc",
    "dns/options": "values: tests/unit/config/config_test.cc",
    "net/destination": "what race_transport_test.cc begins with",
    "net/kernel_features": "socket_test.cc: what the kernel has is set, several threads may ask first",
    "net/tcp_constants": "numbers",
    "net/tls_errors": "tls_context_test.cc: each error in words",
    "net/tls_options": "values: tests/unit/config/config_test.cc",
    "net/transport": "an interface: plain_transport_test.cc, tests/unit/support/stream_test.cc",
    "wire/io_context": "what a loop's connections share, in one record: codec_connection_test.cc",
    "server/memory_watch": "tests/integration/test_hostile.py: at the limit, and when there is memory again",
    "http/codec": "an interface: h1/codec_test.cc, h2/codec_test.cc",
    "http/h1/client_codec": "h1/codec_test.cc, h1/wire_test.cc: between both ends, and byte by byte",
    "http/h1/server_codec": "h1/codec_test.cc, h1/wire_test.cc: between both ends, and byte by byte",
    "http/h1/connection": "h1/states_test.cc: what both ends share",
    "http/h1/fault": "h1/wire_test.cc: what a peer or client is told, each by its bytes",
    "http/h1/head_text": "h1/head_parser_test.cc, h1/head_writer_test.cc",
    "http/h2/client_codec": "h2/codec_test.cc, h2/wire_test.cc: between both ends, and frame by frame",
    "http/h2/server_codec": "h2/codec_test.cc, h2/wire_test.cc: between both ends, and frame by frame",
    "http/h2/h2_stream": "h2/states_test.cc",
    "http/h2/session": "h2/codec_test.cc, h2/goodbye_test.cc: what both ends share",
    "http/h2/session_callbacks": "h2/wire_test.cc: nghttp2 calls them for frames",
    "http/h2/session_events": "h2/states_test.cc, h2/wire_test.cc",
    "http/h2/stream_table": "h2/states_test.cc",
    "http/quiet_client": "does nothing: tests/unit/cli/http_client_test.cc has what is made of it",
    "upstream/context": "what a worker's peers share, in one record: peer_test.cc",
    "upstream/governor_options": "values: tests/unit/config/config_test.cc",
    "upstream/governor_watcher": "an interface: peer_governors_test.cc",
    "upstream/phase": "words, and what request_flow_test.cc, request_end_test.cc see of them",
    "upstream/waiter": "an interface: waiting_room_test.cc",
    "upstream/pool_connections": "the other half of pool: pool_test.cc, pool_connect_test.cc",
    "recipe/address_route": "an interface: installation_test.cc",
    "recipe/manifest": "installation_test.cc: written, read, and what is none",
    "admin/event_fields": "events_test.cc: the same words",
    "admin/name_json": "read_endpoints_test.cc: /peers",
    "admin/link_json": "tests/integration/test_link.py: /peers, in each state",
    "probe/link_watch": "tests/integration/test_link.py: two peerpulses; tests/unit/health/link_choice_test.cc has what it decides",
    "stats/link_families": "registry_test.cc: by the text that Prometheus reads",
    "admin/timing_json": "read_endpoints_test.cc: /peers",
    "admin/tls_json": "read_endpoints_test.cc: /peers",
    "admin/cluster_json": "read_endpoints_test.cc: /cluster",
    "cli/any_ip": "tests/lab/test_recipe.py: in a network namespace of its own",
    "cli/recipe_command": "tests/lab/test_recipe.py",
    "cli/command": "records: tests/integration/test_cli.py",
    "cli/commands": "tests/integration/test_cli.py: the command lines",
    "cli/deadline": "the clock: http_client_test.cc",
    "cli/diagnose_command": "tests/lab/test_diagnose.py",
    "cli/doctor": "tests/integration/test_doctor.py",
    "cli/doctor_command": "tests/integration/test_doctor.py",
    "cli/doctor_view": "tests/integration/test_doctor.py",
    "cli/events_command": "tests/integration/test_cli.py",
    "cli/knock_arp": "tests/lab/test_diagnose.py: across hosts",
    "cli/knock_connect": "knocks_test.cc",
    "cli/knock_echo": "knocks_test.cc, tests/lab/test_diagnose.py: across hosts",
    "cli/knock_http": "knocks_test.cc, tests/lab/test_diagnose.py: real servers",
    "cli/knock_tls": "knocks_test.cc, tests/lab/test_diagnose.py: a real server",
    "cli/observations": "records: diagnosis_test.cc",
    "cli/observe": "tests/lab/test_diagnose.py",
    "cli/finding": "a record: sysctl_check_test.cc",
    "cli/json_field": "words_test.cc, status_page_test.cc",
    "cli/override_command": "tests/integration/test_cli.py",
    "cli/peers_command": "tests/integration/test_cli.py",
    "cli/status_command": "tests/integration/test_cli.py",
    "cli/stream_socket": "http_client_test.cc: against real sockets",
    "cli/top_command": "tests/integration/test_cli.py: on a terminal, and elsewhere",
    "hooks/hook_run": "hook_runner_test.cc: with real processes",
    "hooks/child": "hook_runner_test.cc: with real processes",
    "hooks/options": "a record: tests/unit/config/config_test.cc",
    "guard/destruction": "a record: socket_destroyer_test.cc",
    "netlink/netlink_socket": "tests/unit/guard/socket_destroyer_test.cc, timed_table_test.cc: against the kernel",
    "netlink/rule": "tests/unit/guard/refusal_table_test.cc, tests/unit/transparent/redirect_table_test.cc: by what the kernel does with it",
    "netlink/table_claim": "tests/unit/guard/refusal_table_test.cc: two processes of one node",
    "netlink/transaction": "timed_table_test.cc: by what the kernel does with it",
    "guard/options": "values: tests/unit/config/config_test.cc",
    "server/allocator": "tests/integration/test_carry.py: the page faults of a steady flow",
    "server/guard_log": "tests/lab/test_guard.py: the lines",
    "server/transparent_mode": "tests/lab/test_transparent.py: the whole process",
    "server/main": "tests/integration/test_command_line.py",
    "server/peer_names": "tests/integration/test_names.py: against a DNS server that the test scripts",
    "server/report": "a record: reporter_test.cc",
    "server/report_queue": "reporter_test.cc: full, and between two threads",
    "server/server": "tests/integration/test_drain.py, test_fail_open.py: the whole process",
    "server/transition_log": "reporter_test.cc: the lines",
    "server/worker": "tests/integration/test_carry.py: the whole process",
    "log/backend": "log_test.cc: through start(), write() and stop(), with full disks and readers that do not read",
    "transparent/options": "values: tests/unit/config/config_test.cc",
    "proxy/governor_log": "tests/integration/test_slow_peer.py: the lines",
    "fanout/options": "values: tests/unit/config/config_test.cc",
    "config/name_notes": "config_test.cc",
    "stats/fanout_stats": "atomics with names: tests/unit/fanout/accounts_test.cc",
    "stats/fanout_families": "tests/integration/test_fanout.py: by the text that Prometheus reads",
    "stats/families": "declares the families: registry_test.cc",
    "stats/governor_families": "tests/integration/test_slow_peer.py: by the text that Prometheus reads",
    "stats/governor_stats": "atomics with names: tests/unit/upstream/peer_governors_test.cc",
    "stats/guard_families": "tests/unit/admin/read_endpoints_test.cc: by the text that Prometheus reads",
    "stats/transparent_families": "tests/unit/admin/read_endpoints_test.cc: by the text that Prometheus reads",
    "stats/latency_families": "registry_test.cc: by the text that Prometheus reads",
    "stats/health_families": "registry_test.cc: by the text that Prometheus reads",
    "stats/limit_families": "registry_test.cc: by the text that Prometheus reads",
    "stats/name_families": "tests/integration/test_names.py: by the text that Prometheus reads",
    "stats/name_stats": "atomics with names: tests/integration/test_names.py",
    "stats/peer_detail": "registry_test.cc: each detail",
    "stats/process_families": "registry_test.cc: by the text that Prometheus reads",
    "stats/process_usage": "a record: tests/unit/server/process_usage_test.cc",
    "stats/peer_stats": "atomics with names: stats_test.cc, registry_test.cc",
    "stats/rustfs_families": "registry_test.cc: by the text that Prometheus reads",
    "stats/value": "an atomic: stats_test.cc",
    "stats/tls_families": "registry_test.cc: by the text that Prometheus reads",
    "stats/traffic_families": "registry_test.cc: by the text that Prometheus reads",
    "health/outcome": "a record and an interface: circuit_test.cc",
    "health/peer_health_events": "the other half of peer_health: peer_health_test.cc",
    "health/peer_protocol": "an enum: verdict_test.cc has its words",
    "health/probe_event": "records: peer_health_test.cc",
    "health/probe_mode": "an enum: verdict_test.cc has its words, probe_plan_test.cc what they mean",
    "health/probe_options": "values: tests/unit/config/config_test.cc has the profiles",
    "health/rung_change": "a record: host_probes_test.cc",
    "health/transition": "a record: peer_health_test.cc",
    "probe/echo_sockets": "icmp_echo_test.cc",
    "probe/health_check": "prober_test.cc: against real peers, which it takes to have an answer",
    "probe/peer_prober": "prober_test.cc: the prober is one of these per peer",
    "admin/admin_connection": "read_endpoints_test.cc, http2_test.cc: through a client's socket",
    "admin/circuit_handler": "circuit_test.cc",
    "admin/governor_json": "tests/integration/test_slow_peer.py: /peers",
    "admin/cluster_handler": "read_endpoints_test.cc",
    "admin/config_handler": "read_endpoints_test.cc",
    "admin/event_json": "events_test.cc",
    "admin/event_log": "events_test.cc",
    "admin/events_handler": "events_test.cc",
    "admin/exchange": "read_endpoints_test.cc, events_test.cc: through a client's socket",
    "admin/guard_json": "read_endpoints_test.cc",
    "admin/transparent_json": "read_endpoints_test.cc",
    "admin/handler_table": "read_endpoints_test.cc: unknown paths and wrong methods",
    "admin/handlers": "declares the handlers: read_endpoints_test.cc",
    "admin/index_handler": "page_handler_test.cc",
    "admin/json_response": "read_endpoints_test.cc",
    "admin/livez_handler": "read_endpoints_test.cc",
    "admin/metrics_handler": "read_endpoints_test.cc",
    "admin/page_asset": "page_handler_test.cc",
    "admin/peers_handler": "read_endpoints_test.cc",
    "admin/readyz_handler": "read_endpoints_test.cc",
    "admin/same_origin": "circuit_test.cc: from the outside, as a browser would try",
    "admin/server": "read_endpoints_test.cc: every test there runs one",
    "admin/service": "events_test.cc: subscribers",
    "config/error_list": "config_test.cc: every error that a file can have, and a flood of them",
    "config/field": "config_test.cc: bad values say what was found and expected",
    "config/fields": "config_test.cc, shipped_files_test.cc: the table against conf/",
    "config/guard_roles": "config_test.cc: guard",
    "config/transparent_notes": "config_test.cc: transparent",
    "config/json_document": "config_test.cc: what is no JSON object, duplicate keys",
    "config/object_reader": "config_test.cc: unknown keys",
    "config/presets": "config_test.cc: the storage presets",
    "config/reader": "config_test.cc",
    "config/validate": "config_test.cc: peers, listeners and times that contradict",
}

_TEST_NAME = re.compile(r"[\w/]*\w_test\.cc|tests/\w+/test_\w+\.py")


def concepts(root: Path) -> dict[str, Path]:
    """By module/name ("http/h1/server_codec"): a file that has it, the source where there is one."""
    found: dict[str, Path] = {}
    for suffix in (".h", ".cc"):
        for top in ("include/peerpulse", "src"):
            for path in sorted((root / top).rglob(f"*{suffix}")):
                found[path.relative_to(root / top).with_suffix("").as_posix()] = path
    return found


def test_problem(root: Path, concept: str) -> str | None:
    """Why it has no test."""
    test = root / "tests" / "unit" / f"{concept}_test.cc"
    name = test.relative_to(root).as_posix()
    if not test.is_file():
        return f"{name} is missing"
    module = root / "tests" / "unit" / concept.split("/")[0]
    if f"'{test.relative_to(module).as_posix()}'" not in (module / "meson.build").read_text(encoding="utf-8"):
        return f"{name} is not compiled: it is not in {module.relative_to(root).as_posix()}/meson.build"
    return None


def check_exception(root: Path, concept: str, reason: str, known: bool) -> list[str]:
    """An exception must be one, and what it says must be there."""
    where = f"tools/lint/check_mirror.py: {concept}"
    if not known:
        return [f"{where}: there is no such source file any more"]
    if test_problem(root, concept) is None:
        return [f"{where}: has a test by now"]
    module = root / "tests" / "unit" / concept.split("/")[0]
    return [f"{where}: {name} is not there" for name in _TEST_NAME.findall(reason)
            if not (module / name).is_file() and not (root / name).is_file()]


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = concepts(root)
    problems = []
    for concept, path in found.items():
        if concept in WITHOUT:
            continue
        if problem := test_problem(root, concept):
            problems.append(f"{path.relative_to(root).as_posix()}: {problem}")
    for concept, reason in WITHOUT.items():
        problems += check_exception(root, concept, reason, concept in found)
    print("\n".join(problems) if problems else f"{len(found)} source files and headers, mirrored by tests/unit")
    return 1 if problems or not found else 0


if __name__ == "__main__":
    sys.exit(main())
