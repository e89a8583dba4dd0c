"""A real Python gRPC server as a peer of the tests: it answers every unary call with the bytes it got. Its PING
policy is the library's default.

  grpc_server.py HOST:PORT
"""

import concurrent.futures
import sys

import grpc


class _Echo(grpc.GenericRpcHandler):
    """No generated code: bytes in, the same bytes out, whatever the method's name."""

    def service(self, handler_call_details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)


def main() -> int:
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((_Echo(),))
    if server.add_insecure_port(sys.argv[1]) == 0:
        return 1
    server.start()
    server.wait_for_termination()
    return 0


if __name__ == "__main__":
    sys.exit(main())
