"""Unary gRPC calls at a low rate over one channel. One line per call: `call`, its status, its milliseconds, details.

  grpc_steady.py HOST:PORT CALLS SECONDS_BETWEEN
"""

import sys
import time

import grpc

_DEADLINE_S = 10


def main() -> int:
    target, calls, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    # No proxy, whatever the environment says: the target is on this machine.
    with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
        echo = channel.unary_unary("/peerpulse.Test/Echo")
        due = time.monotonic()
        for number in range(calls):
            time.sleep(max(0.0, due - time.monotonic()))
            due += pause
            message = b"message %d" % number
            started = time.monotonic()
            try:
                status = "OK" if echo(message, timeout=_DEADLINE_S) == message else "ANOTHER_MESSAGE"
                details = ""
            except grpc.RpcError as error:
                status, details = error.code().name, error.details()
            print("call", status, round((time.monotonic() - started) * 1000, 3), details, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
