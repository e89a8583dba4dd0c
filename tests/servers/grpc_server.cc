// A real gRPC C++ server as a peer of the tests: it answers every unary call with the bytes it got. Its PING policy
// is the library's default (two strikes, five minutes), and that is what it is here for.
//
//   grpc_server HOST:PORT
//
// A generic service, so that no protocol compiler is needed.
#include <cstdio>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <memory>

namespace {

/// One call. Deletes itself when gRPC is done with it.
class EchoCall : public grpc::ServerGenericBidiReactor {
 public:
  EchoCall() { StartRead(&message_); }

  void OnReadDone(bool ok) override {
    if (ok) {
      StartWriteAndFinish(&message_, {}, grpc::Status::OK);
    } else {
      Finish({grpc::StatusCode::INVALID_ARGUMENT, "a call has one message"});
    }
  }

  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer message_;
};

class EchoService : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override { return new EchoCall; }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: grpc_server HOST:PORT\n");
    return 2;
  }
  EchoService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    std::fprintf(stderr, "grpc_server: cannot listen on %s\n", argv[1]);
    return 1;
  }
  server->Wait();
  return 0;
}
