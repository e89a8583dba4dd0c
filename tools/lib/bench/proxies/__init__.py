"""The parts of tools/bench/proxies."""
