"""The commands of peerpulse that ask a running one, or look at the host."""

import json

from tests.harness.peerpulse import SLOWDOWN, program


class Ran:
    """A command that has ended."""

    def __init__(self, done) -> None:
        self.status: int = done.returncode
        self.output: str = done.stdout.decode()
        self.errors: str = done.stderr.decode()

    def json(self):
        return json.loads(self.output)


def run(host, *arguments: str, timeout: float = 20, **options) -> Ran:
    return Ran(host.run([program(), *arguments], timeout * SLOWDOWN, **options))


def admin(peerpulse) -> list[str]:
    """The option that says which peerpulse is meant."""
    return ["--admin", "{}:{}".format(*peerpulse.admin)]
