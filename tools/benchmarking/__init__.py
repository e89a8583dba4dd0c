"""The benches behind tools/bench/detect, tools/bench/inflight, tools/bench/memory and tools/bench/idle."""
