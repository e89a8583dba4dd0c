"""Calls of a real gRPC client whose deadlines pass in mid-answer: one message comes back, then nothing. Writes the codes that the
calls ended with, one a line.

  grpc_deadlines.py HOST:PORT CALLS SECONDS
"""

import sys
import threading

import grpc


def main() -> int:
    target, calls, deadline = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    over = threading.Event()

    def requests():
        yield b"one"
        over.wait()  # no end: the server has nothing more to say

    with grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0)]) as channel:
        pending = [channel.stream_stream("/peerpulse.Test/Stream")(requests(), timeout=deadline) for _ in range(calls)]
        for call in pending:
            try:
                if next(call) != b"one":
                    raise AssertionError("another message")
                next(call)
                raise AssertionError("more messages")
            except grpc.RpcError:
                print(call.code().name)
        over.set()
    return 0


if __name__ == "__main__":
    sys.exit(main())
