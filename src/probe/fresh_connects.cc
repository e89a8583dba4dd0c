#include "fresh_connects.h"

#include <algorithm>
#include <poll.h>
#include <utility>

#include "peerpulse/base/fd.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::probe {

/// Deleted at the end of the loop's turn, as its file event may be on the stack.
class FreshConnects::Connect : public event::DeferredDeletable {
 public:
  Connect(FreshConnects& owner, health::ConnectPurpose purpose, const SocketAddress& to, Fd fd)
      : purpose_(purpose), to_(to), fd_(std::move(fd)), began_(owner.dispatcher_.now()) {
    event_ = owner.dispatcher_.createFileEvent(fd_.get(), [this, &owner](uint32_t) { owner.finished(*this); });
    event_->setEnabled(event::FileEvent::kWrite);
  }

  /// From inside the event's callback: no further event, and the FIN or RST now.
  void release() {
    event_->setEnabled(0);
    fd_.reset();
  }
  health::ConnectPurpose purpose() const { return purpose_; }
  const SocketAddress& to() const { return to_; }
  int fd() const { return fd_.get(); }
  TimePoint began() const { return began_; }

 private:
  health::ConnectPurpose purpose_;
  SocketAddress to_;
  Fd fd_;
  std::unique_ptr<event::FileEvent> event_;
  TimePoint began_;
};

FreshConnects::FreshConnects(event::Dispatcher& dispatcher, const net::AddressOrder& addresses,
                             uint16_t hostCheckPort, Duration interval, Report report, uint32_t mark,
                             const SocketAddress& source)
    : dispatcher_(dispatcher),
      addresses_(addresses),
      hostCheckPort_(hostCheckPort),
      resetProbes_(interval < kOrderlyInterval),
      report_(std::move(report)),
      mark_(mark),
      source_(source) {}

FreshConnects::~FreshConnects() = default;

SocketAddress FreshConnects::next(health::ConnectPurpose purpose) {
  if (purpose == health::ConnectPurpose::kHostCheck) return addresses_.first().withPort(hostCheckPort_);
  const size_t turn = purpose == health::ConnectPurpose::kProbe ? probeTurn_ : turn_++;
  return addresses_.inOrder()[turn % addresses_.size()];
}

FreshConnects::Started FreshConnects::start(health::ConnectPurpose purpose) {
  const SocketAddress address = next(purpose);
  auto fd = net::createStreamSocket(address);
  Result<void> started = fd ? Result<void>() : Result<void>(fd.error());
  if (started) {
    if (purpose == health::ConnectPurpose::kProbe && resetProbes_) net::setResetOnClose(fd->get());
    started = net::setMark(fd->get(), mark_);
    if (started) started = net::bindSource(fd->get(), source_, address);
    if (started) started = net::startConnect(fd->get(), address);
  }
  if (!started) return {.error = started.error().code, .asked = address, .dropped = std::nullopt};
  Started result;
  result.asked = address;
  if (connects_.size() >= kMax) {
    result.dropped = connects_.front()->purpose();
    connects_.erase(connects_.begin());
  }
  connects_.push_back(std::make_unique<Connect>(*this, purpose, address, std::move(*fd)));
  return result;
}

size_t FreshConnects::stop(health::ConnectPurpose purpose) {
  const size_t stopped = std::erase_if(connects_, [&](const auto& connect) { return connect->purpose() == purpose; });
  if (stopped > 0 && purpose == health::ConnectPurpose::kProbe) ++probeTurn_;
  return stopped;
}

void FreshConnects::finished(Connect& connect) {
  const health::ConnectResult result{connect.purpose(), net::connectError(connect.fd()),
                                     dispatcher_.now() - connect.began()};
  const auto it =
      std::find_if(connects_.begin(), connects_.end(), [&](const auto& c) { return c.get() == &connect; });
  std::unique_ptr<Connect> done = std::move(*it);
  connects_.erase(it);
  const SocketAddress asked = done->to();
  done->release();
  dispatcher_.deferredDelete(std::move(done));
  if (result.purpose == health::ConnectPurpose::kProbe) probeTurn_ = result.error == 0 ? 0 : probeTurn_ + 1;
  report_(result, asked);
}

void FreshConnects::addPollFds(std::vector<pollfd>& fds) const {
  for (const auto& connect : connects_)
    fds.push_back({connect->fd(), POLLOUT, 0});
}

}  // namespace peerpulse::probe
