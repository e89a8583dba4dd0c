"""Which processor is whose: the proxy has one to itself, the client and the origin share another."""

import os

from tools.lib.bench.command import BenchFailed


class Processors:
    def __init__(self) -> None:
        allowed = sorted(os.sched_getaffinity(0))
        if len(allowed) < 2:
            raise BenchFailed("two processors are needed: one for the proxy, one for the client and the origin")
        self.client, self.proxy = allowed[:2]

    def take_client(self) -> None:
        """For this process and those that it starts."""
        os.sched_setaffinity(0, {self.client})

    def for_proxy(self, argv: list[str]) -> list[str]:
        """taskset becomes the command, so that its pid is the command's."""
        return ["taskset", "--cpu-list", str(self.proxy), *argv]
