"""Becomes a program for which the kernel has no nftables:  without_nftables.py PROGRAM [ARGUMENT...]

socket(AF_NETLINK, ..., NETLINK_NETFILTER) fails with EPROTONOSUPPORT, as where CONFIG_NETFILTER_NETLINK is missing: by seccomp,
whose filter the program inherits.
"""

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

_NETLINK_NETFILTER = 12
_SOCKET_CALL = {"x86_64": 41, "aarch64": 198}
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _FIRST, _THIRD = 0, 16, 32  # offsets in struct seccomp_data; little-endian


def _filter() -> bytes:
    steps = [
        (_LOAD, 0, 0, _NUMBER), (_EQUAL, 0, 5, _SOCKET_CALL[platform.machine()]),
        (_LOAD, 0, 0, _FIRST), (_EQUAL, 0, 3, int(socket.AF_NETLINK)),
        (_LOAD, 0, 0, _THIRD), (_EQUAL, 0, 1, _NETLINK_NETFILTER),
        (_RETURN, 0, 0, _ERRNO | errno.EPROTONOSUPPORT),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def main() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    code = _filter()
    program = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), "seccomp")
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
