"""Stopping one thread of a process, as a debugger does: what a signal can only do to all of them."""

import contextlib
import ctypes
import os
import pathlib

from tests.harness.waiting import wait_for

_SEIZE, _INTERRUPT, _CONTINUE, _DETACH = 0x4206, 0x4207, 7, 17
_ALL_THREADS = 0x40000000  # __WALL
# epoll_wait, epoll_pwait, epoll_pwait2 of x86-64, and epoll_pwait of aarch64.
_WAITING = {"232", "281", "441", "22"}
_libc = ctypes.CDLL(None, use_errno=True)


def _ptrace(request: int, thread: int) -> None:
    if _libc.ptrace(ctypes.c_long(request), ctypes.c_long(thread), None, None) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _thread_id(pid: int, name: str) -> int:
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text(encoding="utf-8").strip() == name:
            return int(task.name)
    raise LookupError(f"process {pid} has no thread {name}")


@contextlib.contextmanager
def stopped_thread(pid: int, name: str):
    """The thread called `name` of a child process does not run meanwhile. It is stopped while its loop waits for
    something to do: elsewhere it could hold a lock that the others need."""
    thread = _thread_id(pid, name)
    _ptrace(_SEIZE, thread)
    try:
        wait_for(lambda: _stop_if_waiting(pid, thread), 10, f"{name} waits for something to do")
        yield
    finally:
        _ptrace(_DETACH, thread)


def _stop_if_waiting(pid: int, thread: int) -> bool:
    _ptrace(_INTERRUPT, thread)
    os.waitpid(thread, _ALL_THREADS)
    call = pathlib.Path(f"/proc/{pid}/task/{thread}/syscall").read_text(encoding="ascii").split()[0]
    if call in _WAITING:
        return True
    _ptrace(_CONTINUE, thread)
    return False
