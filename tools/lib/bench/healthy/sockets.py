"""The TCP sockets of a process, from /proc."""

import dataclasses
import os
import pathlib

ESTABLISHED, CLOSE_WAIT, LISTEN = 0x01, 0x08, 0x0A


@dataclasses.dataclass(frozen=True)
class Socket:
    local_port: int
    remote_port: int
    state: int


def _inodes(pid: int) -> set[str]:
    found = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue  # closed since it was listed
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def of_process(pid: int) -> list[Socket]:
    """Those of IPv4, which is all that the bench uses."""
    inodes = _inodes(pid)
    found = []
    for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[9] in inodes:
            local, remote = (int(field.rpartition(":")[2], 16) for field in fields[1:3])
            found.append(Socket(local, remote, int(fields[3], 16)))
    return found
