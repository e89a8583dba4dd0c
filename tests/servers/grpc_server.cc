// A real gRPC C++ server as a peer of the tests: it answers every call with the messages it got, and counts them in the
// trailers. Its PING policy is the library's default (two strikes, five minutes), and that is what it is here for.
//
//   grpc_server HOST:PORT [CERTIFICATE KEY [CLIENTS_AUTHORITY]]
//
// A generic service, so that no protocol compiler is needed.
#include <cstdio>
#include <fstream>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <iterator>
#include <memory>
#include <string>

namespace {

/// One call. Deletes itself when gRPC is done with it.
class EchoCall : public grpc::ServerGenericBidiReactor {
 public:
  explicit EchoCall(grpc::GenericCallbackServerContext& context) : context_(context) { StartRead(&message_); }

  void OnReadDone(bool ok) override {
    if (ok) {
      ++messages_;
      StartWrite(&message_);
    } else {
      context_.AddTrailingMetadata("messages", std::to_string(messages_));
      Finish(grpc::Status::OK);
    }
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      StartRead(&message_);
    } else {
      Finish({grpc::StatusCode::CANCELLED, "the client has gone"});
    }
  }

  void OnDone() override { delete this; }

 private:
  grpc::GenericCallbackServerContext& context_;
  int messages_ = 0;
  grpc::ByteBuffer message_;
};

class EchoService : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return new EchoCall(*context);
  }
};

std::string contentsOf(const char* file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::shared_ptr<grpc::ServerCredentials> credentials(int argc, char** argv) {
  if (argc == 2) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({contentsOf(argv[3]), contentsOf(argv[2])});
  if (argc == 5) {
    options.pem_root_certs = contentsOf(argv[4]);
    options.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(options);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4 && argc != 5) {
    std::fprintf(stderr, "usage: grpc_server HOST:PORT [CERTIFICATE KEY [CLIENTS_AUTHORITY]]\n");
    return 2;
  }
  EchoService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(argv[1], credentials(argc, argv), &port);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    std::fprintf(stderr, "grpc_server: cannot listen on %s\n", argv[1]);
    return 1;
  }
  server->Wait();
  return 0;
}
