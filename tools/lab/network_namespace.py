"""A network namespace that lives as long as this object (and as long as a process or socket inside it).

It has no name under /run/netns: a file descriptor holds it, so it works in a user namespace without mounting
anything, and the kernel removes it even if this process is killed.
"""

import contextlib
import ctypes
import os
import subprocess
import threading

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


class NetworkNamespace:
    def __init__(self) -> None:
        self._fd = -1
        self._error: BaseException | None = None
        # A thread of its own makes it: a namespace belongs to a thread, and this one's end leaves no trace.
        maker = threading.Thread(target=self._create)
        maker.start()
        maker.join()
        if self._error is not None:
            raise self._error

    def _create(self) -> None:
        try:
            _check(_libc.unshare(CLONE_NEWNET), "unshare(CLONE_NEWNET)")
            self._fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        except BaseException as error:  # handed to the thread that asked
            self._error = error

    @property
    def path(self) -> str:
        """For nsenter --net=PATH and `ip link ... netns PATH`, from any process of the same user."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is inside during the block. Sockets made and processes started there stay inside.

        Nothing else changes for them: a socket made here can be used from anywhere afterwards.
        """
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_libc.setns(self._fd, CLONE_NEWNET), "setns")
            try:
                yield self
            finally:
                _check(_libc.setns(before, CLONE_NEWNET), "setns back")
        finally:
            os.close(before)

    def run(self, argv: list[str], **options) -> subprocess.CompletedProcess:
        """Runs a short command inside to its end; raises with its output if it fails."""
        with self.entered():
            done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}: {done.stdout.strip()}")
        return done

    def ip(self, *commands: str) -> None:
        """Runs `ip` commands, one process for all of them."""
        self.run(["ip", "-batch", "-"], input="\n".join(commands) + "\n")

    def set_sysctl(self, key: str, value: str) -> bool:
        """True if this kernel has the setting per namespace and took the value."""
        path = "/proc/sys/" + key.replace(".", "/")
        try:
            with self.entered(), open(path, "w", encoding="ascii") as file:
                file.write(value)
        except OSError:
            return False
        return True

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
