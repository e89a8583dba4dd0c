"""What each turn of an event loop takes: see tools/bench/turn_watch/turn_watch.cc."""

import mmap
import os
import pathlib
import struct

_THREADS = 64
_SLOT = struct.Struct("=7Q16s")
_KINDS = ("few_events", "many_events")


class TurnWatch:
    """`launcher` starts a program whose loops are watched."""

    def __init__(self, directory: pathlib.Path) -> None:
        library = pathlib.Path(os.environ["PEERPULSE_BUILD"]) / "tools/bench/turn_watch/libturn_watch.so"
        if not library.exists():
            raise FileNotFoundError(f"{library} is not built (--build or PEERPULSE_BUILD names the build directory)")
        path = directory / "turns"
        path.write_bytes(bytes(_THREADS * _SLOT.size))
        with path.open("r+b") as file:
            self._table = mmap.mmap(file.fileno(), 0)
        self.launcher = ("env", f"LD_PRELOAD={library}", f"TURN_WATCH_FILE={path}")

    def reset(self) -> None:
        """From now on; a turn that ends at this very moment may be lost."""
        for place in range(_THREADS):
            struct.pack_into("=6Q", self._table, place * _SLOT.size + 8, *[0] * 6)

    def report(self) -> dict[str, dict]:
        """Since reset(), by thread and kind of turn: the longest in ms of processor time, the events it served, and how
        many took over 1 ms."""
        report: dict[str, dict] = {}
        for place in range(_THREADS):
            turns, *numbers, name = _SLOT.unpack_from(self._table, place * _SLOT.size)
            if turns == 0:
                continue
            report[name.rstrip(b"\0").decode()] = {
                kind: {"longest": round(nanos / 1e6, 3), "events": events, "over_1ms": over}
                for kind, (nanos, events, over) in zip(_KINDS, (numbers[:3], numbers[3:]))}
        return report


def worst(reports: list[dict[str, dict]]) -> dict[str, dict]:
    """All of them as one."""
    together: dict[str, dict] = {}
    for report in reports:
        for thread, kinds in report.items():
            for kind, turns in kinds.items():
                so_far = together.setdefault(thread, {}).setdefault(kind, {"longest": 0.0, "events": 0, "over_1ms": 0})
                over = so_far["over_1ms"] + turns["over_1ms"]
                so_far.update(max(so_far, turns, key=lambda one: one["longest"]), over_1ms=over)
    return together
