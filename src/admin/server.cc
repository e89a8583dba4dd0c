#include "peerpulse/admin/server.h"

#include "service.h"

namespace peerpulse::admin {

class Server::Impl {
 public:
  Impl(event::Dispatcher& dispatcher, Sources sources) : service(dispatcher, std::move(sources)) {}
  Service service;
};

Server::Server(event::Dispatcher& dispatcher, Sources sources) {
  PP_ASSERT(sources.snapshot && sources.circuits != nullptr && sources.stats != nullptr && sources.events != nullptr);
  impl_ = std::make_unique<Impl>(dispatcher, std::move(sources));
}

Server::~Server() = default;

Result<void> Server::listen(const SocketAddress& address) { return impl_->service.listen(address); }

Result<void> Server::listenForMetrics(const SocketAddress& address) {
  return impl_->service.listenForMetrics(address);
}

void Server::drain() { impl_->service.drain(); }

const SocketAddress& Server::address() const { return impl_->service.address(); }

}  // namespace peerpulse::admin
