"""The processes: a server for each scenario, the peerpulses, and what is done to them."""

import asyncio
import contextlib
import dataclasses
import sys
import time

from tests.harness.host import LocalHost
from tests.harness.peerpulse import Peer, Peerpulse
from tests.harness.peers import Server
from tests.harness.programs import SERVERS
from tests.harness.waiting import wait_for
from tools.lib.bench.detect.events import EventStream
from tools.lib.bench.healthy.scenario import Instance, Scenario
from tools.lib.bench.healthy.side import Lengths

_ALIVE_WITHIN_S = 20


class HealthyServer(Server):
    """tests/servers/healthy_server.py."""

    def __init__(self, host, h1_only: bool) -> None:
        super().__init__(host)
        self._options = ["--h1-only"] if h1_only else []

    def _arguments(self) -> list[str]:
        return [sys.executable, "-B", str(SERVERS / "healthy_server.py"), *self._options, self.address]

    def spawn(self) -> None:
        """Without waiting until it listens."""
        self.process = self.host.spawn(self._arguments(), name=f"server-{self.port}")

    def wait(self) -> None:
        wait_for(self._listens, 30, f"{self.address} listens")


@dataclasses.dataclass
class Acting:
    """What the actions of a scenario work on."""

    server: HealthyServer
    peerpulse: Peerpulse
    until: float
    done: int = 0
    times: list[float] = dataclasses.field(default_factory=list)

    async def wait_or_end(self, seconds: float, needed: float) -> bool:
        """False, and no wait, if something of `needed` seconds would not fit into the run after that."""
        if time.monotonic() + seconds + needed > self.until:
            return False
        await asyncio.sleep(seconds)
        return True

    async def stop(self, process, first: float, seconds: float, every: float, after: float) -> None:
        """SIGSTOP for `seconds`: after `first`, then each `every`, as long as `after` remains once it goes on."""
        wait = first
        while await self.wait_or_end(wait, seconds + after):
            process.stop()
            await asyncio.sleep(seconds)
            process.cont()
            self.done += 1
            wait = every - seconds


class Stage:
    """Use as a context."""

    def __init__(self, scenarios: list[Scenario], lengths: Lengths) -> None:
        self._scenarios = scenarios
        self.lengths = lengths
        self.servers: dict[str, HealthyServer] = {}
        self.peerpulses: dict[str, Peerpulse] = {}
        self._events: dict[str, EventStream] = {}

    def __enter__(self) -> "Stage":
        with contextlib.ExitStack() as stack:
            self._host = LocalHost()
            stack.callback(self._host.close)
            for scenario in self._scenarios:
                self.servers[scenario.name] = HealthyServer(self._host, scenario.h1_only)
                self.servers[scenario.name].spawn()
            for server in self.servers.values():
                server.wait()
            instances = {scenario.instance.name: scenario.instance for scenario in self._scenarios}
            for instance in instances.values():
                self._start(stack, instance)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception) -> None:
        self._stack.__exit__(*exception)

    def _start(self, stack: contextlib.ExitStack, instance: Instance) -> None:
        names = [scenario.name for scenario in self._scenarios if scenario.instance.name == instance.name]
        peerpulse = Peerpulse(self._host, [Peer(name, self.servers[name].address) for name in names],
                              log={"access": {"mode": "off"}}, **instance.config)
        self.peerpulses[instance.name] = peerpulse.start(launcher=instance.launcher)
        stack.push(peerpulse)
        self._events[instance.name] = EventStream(peerpulse)
        stack.callback(self._events[instance.name].close)
        for name in names:
            peerpulse.wait_verdict(name, "alive", _ALIVE_WITHIN_S)

    def acting(self, scenario: Scenario, until: float) -> Acting:
        return Acting(self.servers[scenario.name], self.peerpulses[scenario.instance.name], until)

    def opened(self, scenario: Scenario) -> list[dict]:
        """The transitions that opened its circuit."""
        found, was_open = [], False
        for event in self._events[scenario.instance.name].since(0):
            if event["peer"] == scenario.name:
                is_open = event["circuit"] == "open"
                if is_open and not was_open:
                    found.append(event)
                was_open = is_open
        return found
