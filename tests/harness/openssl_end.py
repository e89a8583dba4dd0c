"""One end of a TLS connection whose every step the test decides: OpenSSL, driven by hand. Python's ssl knows no key updates, no
renegotiation, and no alert in the middle."""

import ctypes
import ctypes.util
import dataclasses
import functools
import socket

from tests.harness.certificates import Certificate

TLS1_1, TLS1_2, TLS1_3 = 0x0302, 0x0303, 0x0304
_CTRL_SET_MIN, _CTRL_SET_MAX = 123, 124
_WANT_READ, _ZERO_RETURN = 2, 6
_PEM = 1
_ALERT_FATAL, _NO_ACK = 2, 3  # SSL_TLSEXT_ERR_...
_VERIFY_PEER_REQUIRED = 1 | 2
_READ = 65536
_pointer, _int, _text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
_ALPN_CALLBACK = ctypes.CFUNCTYPE(_int, _pointer, ctypes.POINTER(_pointer), ctypes.POINTER(ctypes.c_ubyte),
                                  ctypes.POINTER(ctypes.c_ubyte), ctypes.c_uint, _pointer)
_SIGNATURES = {
    "TLS_server_method": (_pointer, ()),
    "TLS_client_method": (_pointer, ()),
    "SSL_CTX_new": (_pointer, (_pointer,)),
    "SSL_CTX_free": (None, (_pointer,)),
    "SSL_CTX_use_certificate_chain_file": (_int, (_pointer, _text)),
    "SSL_CTX_use_PrivateKey_file": (_int, (_pointer, _text, _int)),
    "SSL_CTX_ctrl": (ctypes.c_long, (_pointer, _int, ctypes.c_long, _pointer)),
    "SSL_CTX_load_verify_file": (_int, (_pointer, _text)),
    "SSL_CTX_set_verify": (None, (_pointer, _int, _pointer)),
    "SSL_CTX_set_alpn_select_cb": (None, (_pointer, _ALPN_CALLBACK, _pointer)),
    "SSL_CTX_set_cipher_list": (_int, (_pointer, _text)),
    "SSL_new": (_pointer, (_pointer,)),
    "SSL_free": (None, (_pointer,)),
    "SSL_set_bio": (None, (_pointer, _pointer, _pointer)),
    "SSL_set_accept_state": (None, (_pointer,)),
    "SSL_set_connect_state": (None, (_pointer,)),
    "SSL_do_handshake": (_int, (_pointer,)),
    "SSL_read": (_int, (_pointer, _text, _int)),
    "SSL_write": (_int, (_pointer, _text, _int)),
    "SSL_get_error": (_int, (_pointer, _int)),
    "SSL_key_update": (_int, (_pointer, _int)),
    "SSL_renegotiate": (_int, (_pointer,)),
    "SSL_shutdown": (_int, (_pointer,)),
    "SSL_get_version": (_text, (_pointer,)),
    "BIO_s_mem": (_pointer, ()),
    "BIO_new": (_pointer, (_pointer,)),
    "BIO_read": (_int, (_pointer, _text, _int)),
    "BIO_write": (_int, (_pointer, _text, _int)),
    "ERR_clear_error": (None, ()),
    "ERR_get_error": (ctypes.c_ulong, ()),
    "ERR_reason_error_string": (_text, (ctypes.c_ulong,)),
}


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(ctypes.util.find_library("ssl"))  # its libcrypto comes with it
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@dataclasses.dataclass(frozen=True)
class TlsRules:
    """How a server of the test behaves in the handshake."""

    certificate: Certificate
    client_ca: str = ""
    """Clients must show a certificate of it."""
    min_version: int = TLS1_2
    max_version: int = TLS1_3
    alpn: bytes = b""
    """What it chooses if it is offered; empty: nothing."""
    alpn_strict: bool = False
    """It ends the handshake if that is not offered."""


class TlsFailed(ConnectionError):
    pass


class OpensslContext:
    """For any number of connections; ends with the process of the test. Without rules it is a client's, which takes whom it
    reaches for whom it wants."""

    def __init__(self, rules: TlsRules | None) -> None:
        library = _library()
        self.serves = rules is not None
        self.pointer = library.SSL_CTX_new(library.TLS_server_method() if rules else library.TLS_client_method())
        # What is older than TLS 1.2 needs the security level that was usual in its days.
        library.SSL_CTX_set_cipher_list(self.pointer, b"DEFAULT@SECLEVEL=0")
        if rules is not None:
            self._serve_by(library, rules)

    def _serve_by(self, library: ctypes.CDLL, rules: TlsRules) -> None:
        library.SSL_CTX_ctrl(self.pointer, _CTRL_SET_MIN, rules.min_version, None)
        library.SSL_CTX_ctrl(self.pointer, _CTRL_SET_MAX, rules.max_version, None)
        loaded = library.SSL_CTX_use_certificate_chain_file(self.pointer, str(rules.certificate.file).encode())
        if loaded != 1 or library.SSL_CTX_use_PrivateKey_file(self.pointer, str(rules.certificate.key).encode(), _PEM) != 1:
            raise AssertionError(f"cannot be used: {rules.certificate}")
        if rules.client_ca:
            library.SSL_CTX_load_verify_file(self.pointer, rules.client_ca.encode())
            library.SSL_CTX_set_verify(self.pointer, _VERIFY_PEER_REQUIRED, None)
        self._wanted = rules.alpn
        self._otherwise = _ALERT_FATAL if rules.alpn_strict else _NO_ACK
        self._callback = _ALPN_CALLBACK(self._choose)  # kept: the library has but its address
        library.SSL_CTX_set_alpn_select_cb(self.pointer, self._callback, None)

    def _choose(self, _ssl, out, length, offered, size, _argument) -> int:
        names = bytes(offered[:size])
        at = 0
        while self._wanted and at < size:
            if names[at + 1:at + 1 + names[at]] == self._wanted:
                out[0] = ctypes.addressof(offered.contents) + at + 1
                length[0] = names[at]
                return 0
            at += 1 + names[at]
        return self._otherwise


class OpensslEnd:
    """An end of a connected socket, which stays the caller's. Errors are OSErrors, as those of a socket.

    Threading: one thread's.
    """

    def __init__(self, connection: socket.socket, context: OpensslContext) -> None:
        self.socket = connection
        self._context = context
        self._library = library = _library()
        self._ssl = library.SSL_new(context.pointer)
        self._in, self._out = library.BIO_new(library.BIO_s_mem()), library.BIO_new(library.BIO_s_mem())
        library.SSL_set_bio(self._ssl, self._in, self._out)
        (library.SSL_set_accept_state if context.serves else library.SSL_set_connect_state)(self._ssl)

    def __enter__(self) -> "OpensslEnd":
        return self

    def __exit__(self, *_exception) -> None:
        self._library.SSL_free(self._ssl)

    @property
    def version(self) -> str:
        return self._library.SSL_get_version(self._ssl).decode()

    def handshake(self) -> None:
        while not self._done(self._library.SSL_do_handshake(self._ssl)):
            self._fill()

    def read(self) -> bytes:
        """What is there; empty after close_notify."""
        buffer = ctypes.create_string_buffer(_READ)
        while True:
            self._library.ERR_clear_error()
            size = self._library.SSL_read(self._ssl, buffer, _READ)
            if size <= 0 and self._library.SSL_get_error(self._ssl, size) == _ZERO_RETURN:
                return b""
            if self._done(size):
                return buffer.raw[:size]
            self._fill()

    def read_until(self, end: bytes) -> bytes:
        """Empty if the stream ends before."""
        data = b""
        while end not in data:
            received = self.read()
            if not received:
                return b""
            data += received
        return data

    def write(self, data: bytes) -> None:
        """One record for each 16 KiB."""
        if not self._done(self._library.SSL_write(self._ssl, data, len(data))):
            raise TlsFailed("the library would have to read first")

    def key_update(self, requested: bool = False) -> None:
        self._library.SSL_key_update(self._ssl, 1 if requested else 0)
        self._done(self._library.SSL_do_handshake(self._ssl))

    def renegotiate(self) -> None:
        """Asks for it."""
        self._library.SSL_renegotiate(self._ssl)
        self._done(self._library.SSL_do_handshake(self._ssl))

    def alert(self) -> None:
        """A fatal one, by a record of the other side that was spoilt on its way."""
        spoilt = b"\x17\x03\x03\x00\x30" + bytes(48)
        self._library.BIO_write(self._in, spoilt, len(spoilt))
        try:
            while self.read():  # what came before it
                pass
        except TlsFailed:
            return
        raise AssertionError("the spoilt record was accepted")

    def close_notify(self) -> None:
        self._library.ERR_clear_error()
        self._library.SSL_shutdown(self._ssl)
        self._flush()

    def leave(self) -> None:
        """FIN, whatever TLS has said, and then what comes is read until the other side ends, too: a socket that is closed with
        something unread says RST."""
        self.socket.shutdown(socket.SHUT_WR)
        while self.socket.recv(_READ):
            pass

    def _done(self, result: int) -> bool:
        """False: more input is needed. What the library has to say is sent first."""
        error = self._library.SSL_get_error(self._ssl, result) if result <= 0 else 0
        self._flush()
        if error in (0, _WANT_READ):
            return error == 0
        reason = self._library.ERR_reason_error_string(self._library.ERR_get_error())
        raise TlsFailed((reason or b"end of stream").decode())

    def _flush(self) -> None:
        buffer = ctypes.create_string_buffer(_READ)
        while (size := self._library.BIO_read(self._out, buffer, _READ)) > 0:
            self.socket.sendall(buffer.raw[:size])

    def _fill(self) -> None:
        data = self.socket.recv(_READ)
        if not data:
            raise TlsFailed("end of stream without close_notify")
        self._library.BIO_write(self._in, data, len(data))
