"""A real Python gRPC server as a peer of the tests: it answers every call with the messages it got, and counts them in the
trailers; calls of a method named Stream may have any number of them. Its PING policy is the library's default.

  grpc_server.py HOST:PORT [CERTIFICATE KEY [CLIENTS_AUTHORITY]]
"""

import concurrent.futures
import pathlib
import sys

import grpc


class _Echo(grpc.GenericRpcHandler):
    """No generated code: bytes in, the same bytes out, whatever the method's name."""

    def service(self, handler_call_details):
        if handler_call_details.method.endswith("/Stream"):
            return grpc.stream_stream_rpc_method_handler(self._stream)
        return grpc.unary_unary_rpc_method_handler(self._unary)

    @staticmethod
    def _unary(request, context):
        context.set_trailing_metadata((("messages", "1"),))
        return request

    @staticmethod
    def _stream(requests, context):
        count = 0
        for request in requests:
            count += 1
            yield request
        context.set_trailing_metadata((("messages", str(count)),))


def _add_port(server, address: str, *files: str) -> int:
    if not files:
        return server.add_insecure_port(address)
    certificate, key, *clients = (pathlib.Path(file).read_bytes() for file in files)
    credentials = grpc.ssl_server_credentials([(key, certificate)], *clients, require_client_auth=bool(clients))
    return server.add_secure_port(address, credentials)


def main() -> int:
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((_Echo(),))
    if _add_port(server, *sys.argv[1:]) == 0:
        return 1
    server.start()
    server.wait_for_termination()
    return 0


if __name__ == "__main__":
    sys.exit(main())
