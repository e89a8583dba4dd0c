"""What a suite said of one way to the server, and how both ways compare."""

import dataclasses


@dataclasses.dataclass
class Verdicts:
    passed: set[str] = dataclasses.field(default_factory=set)
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    """By name: what was seen instead."""
    skipped: int = 0

    def __str__(self) -> str:
        total = len(self.passed) + len(self.failed)
        return f"{len(self.passed)} of {total} passed, {len(self.failed)} failed, {self.skipped} skipped"


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "no word"


def report(suite: str, direct: Verdicts, through: Verdicts, excused: dict[str, str]) -> int:
    """Prints both and every failure; the number of those that only peerpulse has and that are not `excused` (by name: why)."""
    print(f"{suite}: direct: {direct}")
    print(f"{suite}: through peerpulse: {through}")
    for name, seen in sorted(direct.failed.items()):
        if name not in through.failed:
            print(f"  direct only: {name}: {seen}")
    unexcused = 0
    for name, seen in sorted(through.failed.items()):
        if name in excused:
            print(f"  not asked for: {name}: {excused[name]}")
        elif name in direct.failed:
            print(f"  both: {name}: {seen}")
        else:
            print(f"  through peerpulse only: {name}: {seen}")
            unexcused += 1
    # A suite that ran nothing has shown nothing.
    if not direct.passed or not through.passed:
        print(f"{suite}: nothing passed: the suite did not run")
        return unexcused + 1
    print(f"{suite}: {unexcused} unexcused failures through peerpulse that are not there without it")
    return unexcused
