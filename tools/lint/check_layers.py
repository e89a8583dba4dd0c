#!/usr/bin/python3
"""Checks that includes go one way, third-party headers stay in their modules, and only event/ reads the clock.

Usage: check_layers.py [SOURCE_ROOT]. Prints one line per violation; exit status 1 if there is any.
"""

import re
import sys
from pathlib import Path

# A module and what it may include (design: lower levels never include higher ones).
MODULES = {
    "base": set(),
    "log": {"base"},
    "stats": {"base"},
    "health": {"base"},
    "http": {"base"},
    "event": {"base"},
    "dns": {"base", "event"},
    "net": {"base", "event"},
    "netlink": {"base"},
    "wire": {"base", "http", "event", "net"},
    "upstream": {"base", "stats", "health", "http", "event", "net", "wire"},
    "hooks": {"base", "log", "stats", "event"},
    "probe": {"base", "stats", "health", "http", "event", "net", "wire"},
    "guard": {"base", "stats", "health", "event", "net", "netlink"},
    "transparent": {"base", "stats", "health", "event", "net", "netlink"},
    "proxy": {"base", "log", "stats", "health", "http", "event", "net", "wire", "upstream", "guard"},
    "fanout": {"base", "log", "stats", "health", "http", "event", "net", "wire", "upstream"},
    "admin": {"base", "log", "stats", "health", "http", "event", "net", "wire", "upstream", "guard",
              "transparent", "proxy"},
    "config": {"base", "log", "stats", "health", "http", "event", "dns", "net", "wire", "upstream", "guard",
               "transparent", "proxy", "fanout", "admin", "hooks"},
    "recipe": {"base"},
    "cli": {"base", "http", "net", "netlink", "admin", "config", "recipe"},
    "server": {"base", "log", "stats", "health", "http", "event", "dns", "net", "wire", "upstream", "probe", "guard",
               "transparent", "proxy", "fanout", "admin", "hooks", "config", "recipe", "cli"},
}

# Third-party headers by their path or its first component, and the modules that may include them.
THIRD_PARTY = {
    "event2": {"event"},
    "nghttp2": {"http"},
    "llhttp": {"http"},
    "openssl": {"net"},
    "openssl/evp.h": {"net", "http"},  # a digest (WebSocket), no TLS
    "ares.h": {"dns"},
    "libmnl": {"netlink", "guard", "cli"},
    "prometheus": {"stats"},
    "nlohmann": {"config", "admin", "fanout", "recipe", "cli"},
    "spdlog": {"log"},
    "fmt": {"log"},
    "CLI": {"server", "cli"},
}

INCLUDE = re.compile(r'^\s*#include\s+([<"])([^>"]+)[>"]')
CLOCK = re.compile(r"(steady_clock|system_clock|Clock)::now\(|\bclock_gettime\(|\bgettimeofday\(")
# Who may read the clock: the loop, the log thread's time stamp, and the commands, which have no loop.
# process_usage asks for the host's uptime, which no dispatcher has.
CLOCK_READERS = {"src/event/dispatcher.cc", "src/log/log.cc", "src/cli/deadline.cc", "src/server/process_usage.cc"}


def module_files(root: Path):
    for top in ("include/peerpulse", "src"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cc"):
                yield path, path.relative_to(root / top).parts[0]


def check_include(module: str, quote: str, target: str) -> str | None:
    first = target.split("/")[0]
    if quote == '"' and first == "peerpulse":
        other = target.split("/")[1]
        if other != module and other not in MODULES[module]:
            return f"{module} must not include {other} ({target})"
    elif quote == "<":
        allowed = THIRD_PARTY.get(target, THIRD_PARTY.get(first))
        if allowed is not None and module not in allowed:
            return f"{module} must not include {target}: only {', '.join(sorted(allowed))} may"
    return None


def check_file(root: Path, path: Path, module: str) -> list[str]:
    name = path.relative_to(root).as_posix()
    if module not in MODULES:
        return [f"{name}: unknown module {module}: add it to MODULES with what it may include"]
    problems = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            if problem := check_include(module, match[1], match[2]):
                problems.append(f"{name}:{number}: {problem}")
        elif CLOCK.search(line.split("//")[0]) and name not in CLOCK_READERS:
            problems.append(f"{name}:{number}: reads the clock; take a TimePoint or ask the dispatcher")
    return problems


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    files = list(module_files(root))
    problems = [problem for path, module in files for problem in check_file(root, path, module)]
    print("\n".join(problems) if problems else f"{len(files)} files, includes go one way")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
