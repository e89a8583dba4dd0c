"""The benches behind tools/bench/inflight, tools/bench/memory and tools/bench/idle."""
