"""The benches behind tools/bench/detect, tools/bench/inflight, tools/bench/memory, tools/bench/idle and
tools/bench/proxies."""
