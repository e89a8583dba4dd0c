"""nftables of one network namespace, in this process.

`nft` takes milliseconds to start and its interactive shell acknowledges nothing. With the library behind it a
command is in effect when run() returns.
"""

import ctypes

from tools.lab.network_namespace import NetworkNamespace


class Nftables:
    """Threading: one thread at a time."""

    def __init__(self, namespace: NetworkNamespace) -> None:
        self._namespace = namespace
        self._library = ctypes.CDLL("libnftables.so.1")
        self._library.nft_ctx_new.restype = ctypes.c_void_p
        self._library.nft_ctx_new.argtypes = [ctypes.c_uint32]
        self._library.nft_ctx_free.argtypes = [ctypes.c_void_p]
        self._library.nft_ctx_buffer_error.argtypes = [ctypes.c_void_p]
        self._library.nft_ctx_buffer_output.argtypes = [ctypes.c_void_p]
        self._library.nft_ctx_get_error_buffer.argtypes = [ctypes.c_void_p]
        self._library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
        self._library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        with namespace.entered():
            self._context = self._library.nft_ctx_new(0)
        if not self._context:
            raise OSError("cannot open nftables")
        self._library.nft_ctx_buffer_error(self._context)
        self._library.nft_ctx_buffer_output(self._context)

    def run(self, commands: str) -> None:
        """One transaction: all of it is in effect when this returns, or none."""
        # Inside, because the library may open its socket anew.
        with self._namespace.entered():
            result = self._library.nft_run_cmd_from_buffer(self._context, commands.encode())
        if result != 0:
            message = self._library.nft_ctx_get_error_buffer(self._context)
            raise OSError(f"nft: {(message or b'').decode(errors='replace').strip()}")

    def close(self) -> None:
        if self._context:
            self._library.nft_ctx_free(self._context)
            self._context = None
