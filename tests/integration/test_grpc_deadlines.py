"""gRPC deadlines that pass in mid-answer, of a real client and a real server, and of a client that keeps none itself."""

import sys

from tests.harness.case import LocalCase
from tests.harness.connection_listener import ConnectionListener
from tests.harness.ends import Reset
from tests.harness.ends.h2 import H2Connection
from tests.harness.grpc_peers import GrpcPythonPeer
from tests.harness.host import connect
from tests.harness.peerpulse import SLOWDOWN, Peer
from tests.harness.programs import CLIENTS

_CANCEL = 8
_CALLS = 4
"""At a time: so many the server takes."""
_ROUNDS = 3
_MESSAGE = b"\0\0\0\0\3one"


class GrpcDeadlines(LocalCase):
    def setUp(self) -> None:
        super().setUp()
        silent = ConnectionListener(self.host, self.say_one_and_hang)
        self.addCleanup(silent.close)
        self.peerpulse = self.start_peerpulse(self.host, [
            Peer("respond", GrpcPythonPeer(self.host).start().address),
            Peer("refuse", GrpcPythonPeer(self.host).start().address, {"on_dead": "refuse"}),
            Peer("silent", silent.address, {"protocol": "http2"})])

    @staticmethod
    def say_one_and_hang(connection) -> None:
        """A server that knows no deadlines."""
        link = H2Connection(connection, client=False)
        while True:
            call = link.accept()
            call.respond(200, [("content-type", "application/grpc")])
            call.data(_MESSAGE)

    def test_a_real_client_reads_its_deadline(self):
        for name in ("respond", "refuse"):
            listen = self.peerpulse.listen[name]
            with self.subTest(on_dead=name):
                for _ in range(_ROUNDS):
                    done = self.host.run([sys.executable, "-B", str(CLIENTS / "grpc_deadlines.py"), "{}:{}".format(*listen),
                                          str(_CALLS), str(0.5 * SLOWDOWN)])
                    self.assertEqual((done.returncode, done.stdout.decode().split()), (0, ["DEADLINE_EXCEEDED"] * _CALLS),
                                     done.stderr.decode())
                state = self.peerpulse.peer(name)
                self.assertEqual((state["circuit"], state["failures_total"], state["in_flight"]), ("closed", 0, 0))

    def test_for_one_that_keeps_none_the_call_is_cancelled_after_what_had_come(self):
        with connect(self.host, self.peerpulse.listen["silent"], 10 * SLOWDOWN) as connection:
            call = H2Connection(connection, client=True).open()
            call.request("POST", "/peerpulse.Test/Stream", [
                ("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", f"{500 * SLOWDOWN}m")])
            call.data(_MESSAGE)
            self.assertEqual(call.head().status, 200)
            self.assertEqual(call.piece(), _MESSAGE)
            with self.assertRaises(Reset) as cut:
                call.piece()
            self.assertEqual(cut.exception.code, _CANCEL)
