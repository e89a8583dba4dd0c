"""tools/lib/fuzz/wire_seeds.py: the wire catalogue's cases in the form that tests/fuzz reads. (That the fuzzers make the same bytes of
them is the fuzz suite's to say: it has the program.)"""

import pathlib
import tempfile
import unittest

from tests.wire import frames
from tests.wire.catalogue import Case, load
from tools.lib.fuzz import fuzzer, wire_seeds

_CHOICES = 4
"""Bytes at the end of a codec's input."""


def _case(side: str, data: bytes, end: bool = False, ask: bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", greets: bool = True) -> Case:
    return Case("some/case", side, data, end, "200", "a clause", ask, greets, "here")


def _codec(case: Case) -> tuple[bytes, int]:
    """What is in front of the choices, and what they say."""
    data = wire_seeds.seeds(case)[wire_seeds.CODEC[case.side]]
    return data[:-_CHOICES], data[-1]


class Http1(unittest.TestCase):
    def test_a_capture_stands_in_front_and_its_end_is_a_choice(self):
        self.assertEqual(_codec(_case("h1 request", b"GET / HTTP/1.1\r\n\r\n")), (b"GET / HTTP/1.1\r\n\r\n", 0))
        self.assertEqual(_codec(_case("h1 request", b"GET", end=True)), (b"GET", 4))

    def test_an_answer_knows_what_was_asked(self):
        for ask, bits in ((b"GET / HTTP/1.1\r\n\r\n", 0), (b"HEAD / HTTP/1.1\r\n\r\n", 8), (b"POST / HTTP/1.1\r\n\r\n", 16),
                          (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", 24)):
            self.assertEqual(_codec(_case("h1 response", b"HTTP/1.1 200 OK\r\n\r\n", ask=ask))[1], bits)


class Http2(unittest.TestCase):
    _BEGIN = frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0, b"")

    def test_a_block_of_literals_is_words(self):
        block = frames.literal(b":method", b"GET") + frames.literal(b"te", b"trailers")
        data = self._BEGIN + frames.frame(frames.HEADERS, 5, 1, block) + frames.frame(frames.DATA, 1, 3, b"abc")
        words = b":method: GET\nte: trailers\n"
        self.assertEqual(_codec(_case("h2 request", data)), (bytes((1, 0x45, 1, len(words))) + words + b"\0\1\3\3abc", 0))

    def test_what_words_cannot_say_is_bytes(self):
        # An indexed field, a name with what would end it, a string that is longer than its length says.
        for block in (b"\x82", frames.literal(b"a: b", b"c"), frames.literal(b"a", b"b\nc"), b"\0\x05a", b"\0\1a\x05b"):
            data = self._BEGIN + frames.frame(frames.HEADERS, 5, 1, block)
            self.assertEqual(_codec(_case("h2 request", data)), (bytes((1, 5, 1, len(block))) + block, 0))

    def test_what_a_program_cannot_say_is_raw(self):
        for data in (b"GET / HTTP/1.1\r\n\r\n", self._BEGIN + frames.frame(frames.DATA, 0, 99, b""),
                     self._BEGIN + frames.frame(99, 0, 0, b""), self._BEGIN + b"\0\0\5\0\0",
                     self._BEGIN + frames.frame(frames.HEADERS, 0x45, 1, b"\x82"),
                     self._BEGIN + frames.frame(frames.DATA, 0, 1, bytes(300))):
            self.assertEqual(_codec(_case("h2 request", data)), (data, 4))

    def test_a_server_greets_unless_the_case_says_not(self):
        ping = frames.frame(frames.PING, 0, 0, b"12345678")
        self.assertEqual(_codec(_case("h2 response", ping)), (b"\x06\0\0\x0812345678", 0))
        self.assertEqual(_codec(_case("h2 response", ping, greets=False)), (ping, 4))


class Proxy(unittest.TestCase):
    def test_a_client_says_a_request_and_a_peer_an_answer(self):
        long = b"GET /" + b"a" * 300
        program = wire_seeds.seeds(_case("h1 request", long, end=True))["proxy"]
        self.assertTrue(program.startswith(b"\0\xfe" + long[:254] + b"\0\x33" + long[254:] + b"\5"))
        self.assertTrue(program.endswith(b"\r\n\r\n\x0b\0\0"))
        answer = wire_seeds.seeds(_case("h1 response", b"HTTP/1.1 200 OK\r\n\r\n"))["proxy"]
        self.assertEqual(answer, b"\0\x1bGET / HTTP/1.1\r\nHost: a\r\n\r\n\5\x13HTTP/1.1 200 OK\r\n\r\n\0")

    def test_what_no_connection_there_begins_with_is_none(self):
        self.assertNotIn("proxy", wire_seeds.seeds(_case("h2 request", b"GET / HTTP/1.1\r\n\r\n")))


class Written(unittest.TestCase):
    def test_every_case_that_is_short_enough_is_there(self):
        with tempfile.TemporaryDirectory() as folder:
            written = wire_seeds.write(pathlib.Path(folder), fuzzer.LONGEST)
            for case in load():
                name = wire_seeds.CODEC[case.side]
                path = pathlib.Path(folder) / name / case.id.replace("/", "-")
                self.assertEqual(path.exists(), len(wire_seeds.seeds(case)[name]) <= fuzzer.LONGEST[name], case.id)
            for name, count in written.items():
                self.assertEqual(len(list((pathlib.Path(folder) / name).iterdir())), count)
            # Most are: what is longer are floods and limits.
            self.assertGreater(sum(written[name] for name in wire_seeds.CODEC.values()), 0.95 * len(load()))


if __name__ == "__main__":
    unittest.main()
