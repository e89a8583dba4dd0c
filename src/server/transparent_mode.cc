#include "transparent_mode.h"

#include "peerpulse/log/log.h"

namespace peerpulse::server {

namespace {

// All peers' clients come to it.
constexpr int kSharedBacklog = 4096;

}  // namespace

// The listeners come second: when we are killed, what turns connects to them must outlive them.
Result<void> TransparentMode::open(std::function<TimePoint()> workersBeat) {
  makeRedirector(std::move(workersBeat));
  if (auto opened = openListeners(); !opened) return opened;
  if (redirector_) openTable();
  return {};
}

void TransparentMode::makeRedirector(std::function<TimePoint()> workersBeat) {
  std::vector<transparent::RedirectedPeer> peers;
  for (const proxy::PeerOptions& peer : config_.proxy.peers) {
    if (!peer.transparent) continue;
    destinations_.add(peer.address.literal(), peer.id);
    peers.push_back({peer.id, peer.address.literal(), peer.onDead == proxy::OnDead::kRefuse});
  }
  if (peers.empty()) return;
  transparent::RedirectorCallbacks& callbacks = *this;
  redirector_ = std::make_unique<transparent::Redirector>(
      config_.node, config_.guard.mark, std::move(peers),
      transparent::RedirectorSources{table_, stats_, std::move(workersBeat)}, callbacks);
  if (auto reserved = redirector_->reserve(); !reserved) isMissing(reserved.error());
}

Result<void> TransparentMode::openListeners() {
  for (const SocketAddress* listen : {&config_.transparent.listen, &config_.transparent.listen6}) {
    if (listen->family() == AF_UNSPEC) continue;
    auto socket = net::ListenSocket::open(*listen, kSharedBacklog);
    if (!socket) return Error{"transparent: " + socket.error().message, socket.error().code};
    sockets_.push_back(std::move(*socket));
  }
  return {};
}

void TransparentMode::openTable() {
  std::vector<SocketAddress> listeners;
  for (const auto& socket : sockets_)
    listeners.push_back(socket->address());
  if (auto opened = redirector_->open(listeners); !opened) {
    isMissing(opened.error());
    return;
  }
  log::write(log::Level::kInfo, "transparent_ready",
             log::Fields().add("table", redirector_->tableName()).add("mark", config_.guard.mark));
}

void TransparentMode::isMissing(const Error& error) {
  redirector_.reset();
  missing_ = error.message;
  log::write(log::Level::kError, "transparent_unavailable",
             log::Fields()
                 .add("missing", missing_)
                 .add("details",
                      "connects to the peers' addresses go past peerpulse, to the peers themselves: nobody of these "
                      "clients is protected"));
}

void TransparentMode::start() {
  if (redirector_) redirector_->start();
}

// The accept queues afterwards: whoever was turned here before is in one.
void TransparentMode::drain() {
  if (redirector_) redirector_->release();
  for (const auto& socket : sockets_) {
    if (auto closed = socket->close(); !closed) {
      log::write(log::Level::kError, "transparent_listener", log::Fields().add("error", closed.error().message));
    }
  }
}

void TransparentMode::stop() {
  if (redirector_) redirector_->stop();
}

SharedTransparent TransparentMode::shared() const {
  SharedTransparent shared;
  for (const auto& socket : sockets_)
    shared.sockets.push_back(socket.get());
  shared.destinations = &destinations_;
  return shared;
}

admin::TransparentView TransparentMode::view() const {
  admin::TransparentView view;
  view.active = active();
  view.missing = missing_;
  if (redirector_) view.table = redirector_->tableName();
  for (const auto& socket : sockets_)
    view.listeners.push_back(socket->address().toString());
  return view;
}

void TransparentMode::onLapse(transparent::Lapse why) {
  const bool over = why == transparent::Lapse::kNone;
  log::write(
      over ? log::Level::kWarn : log::Level::kError, over ? "transparent_redirects" : "transparent_direct",
      log::Fields()
          .add("why", toString(why))
          .add("details", over ? "connects to the peers' addresses come to peerpulse again"
                               : "connects to the peers' addresses go past peerpulse, to the peers themselves"));
}

void TransparentMode::onRedirectTableRepaired() {
  log::write(log::Level::kWarn, "transparent_table_repaired", log::Fields().add("table", redirector_->tableName()));
}

void TransparentMode::onRedirectTableFailed(const Error& error) {
  log::write(log::Level::kError, "transparent_table_failed", log::Fields().add("error", error.message));
}

}  // namespace peerpulse::server
