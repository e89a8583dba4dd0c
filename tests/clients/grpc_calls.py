"""gRPC calls of a Python client: a unary one and one of a stream each way. Ends with 0 if every message came back and the trailers
have counted them.

  grpc_calls.py HOST:PORT [AUTHORITY [CERTIFICATE KEY]]
"""

import pathlib
import sys

import grpc

_DEADLINE_S = 30
_MESSAGES = [bytes([number]) * 1000 * number for number in range(60)]


def _channel(target: str, *files: str) -> grpc.Channel:
    # No proxy, whatever the environment says: the target is on this machine.
    options = [("grpc.enable_http_proxy", 0)]
    if not files:
        return grpc.insecure_channel(target, options)
    authority, *own = (pathlib.Path(file).read_bytes() for file in files)
    certificate, key = own or (None, None)
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(authority, key, certificate), options)


def _check(what: str, got, call, messages: list[bytes]) -> None:
    trailers = dict(call.trailing_metadata())
    if got != messages or call.code() is not grpc.StatusCode.OK or trailers.get("messages") != str(len(messages)):
        raise AssertionError(f"{what}: {len(got)} of {len(messages)} messages, {call.code()}, {trailers}")


def main() -> int:
    with _channel(*sys.argv[1:]) as channel:
        answer, call = channel.unary_unary("/peerpulse.Test/Echo").with_call(_MESSAGES[-1], timeout=_DEADLINE_S)
        _check("unary", [answer], call, [_MESSAGES[-1]])
        stream = channel.stream_stream("/peerpulse.Test/Stream")(iter(_MESSAGES), timeout=_DEADLINE_S)
        _check("stream", list(stream), stream, _MESSAGES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
