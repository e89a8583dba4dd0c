#include "peerpulse/transparent/redirector.h"

#include <algorithm>
#include <cerrno>
#include <future>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

#include "peerpulse/base/assert.h"
#include "peerpulse/net/original_destination.h"
#include "peerpulse/net/socket.h"
#include "redirect_table.h"

namespace peerpulse::transparent {

namespace {

Error whatIsMissing(const Error& error) {
  if (error.code != EPERM && error.code != EACCES) return error;
  return Error{"CAP_NET_ADMIN is missing: " + error.message, error.code};
}

/// SO_MARK may need more than the rest, and without it our own connects would be turned to ourselves.
Result<void> mayMarkSockets(uint32_t mark) {
  auto fd = net::createStreamSocket(SocketAddress::parse("127.0.0.1:1").value());
  if (!fd) return fd.error();
  return net::setMark(fd->get(), mark);
}

std::vector<RedirectedPeer> asOnTheNetwork(std::vector<RedirectedPeer> peers) {
  for (RedirectedPeer& peer : peers)
    peer.address = net::withoutMapping(peer.address);
  return peers;
}

}  // namespace

const char* toString(Lapse why) {
  switch (why) {
    case Lapse::kNone: return "";
    case Lapse::kWorkerStalled: return "worker_stalled";
    case Lapse::kProberStalled: return "prober_stalled";
    case Lapse::kTableFailed: return "table_failed";
  }
  return "?";
}

Redirector::Redirector(std::string node, uint32_t mark, std::vector<RedirectedPeer> peers, RedirectorSources sources,
                       RedirectorCallbacks& callbacks)
    : node_(std::move(node)),
      mark_(mark),
      peers_(asOnTheNetwork(std::move(peers))),
      sources_(std::move(sources)),
      callbacks_(callbacks),
      ways_(peers_.size(), Way::kDirect) {}

Redirector::~Redirector() { stop(); }

Result<void> Redirector::reserve() {
  if (auto may = mayMarkSockets(mark_); !may) return whatIsMissing(may.error());
  auto socket = netlink::NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket) return whatIsMissing(socket.error());
  socket_.emplace(std::move(*socket));
  return {};
}

Result<void> Redirector::open(const std::vector<SocketAddress>& listeners) {
  PP_ASSERT(socket_.has_value());
  auto table = RedirectTable::make(std::move(*socket_), node_, mark_, listeners);
  socket_.reset();
  if (!table) return whatIsMissing(table.error());
  table_ = std::make_unique<RedirectTable>(std::move(*table));
  tableName_ = table_->name();
  return {};
}

void Redirector::start() {
  PP_ASSERT(table_ != nullptr && !thread_.joinable());
  // exit() before the loop runs would be lost: wait for its first turn.
  std::promise<void> running;
  auto isRunning = running.get_future();
  thread_ = std::thread([this, &running] { run([&running] { running.set_value(); }); });
  // The name is for people with a debugger or top; a failure changes nothing.
  (void)pthread_setname_np(thread_.native_handle(), "pp-redirect");
  isRunning.wait();
}

void Redirector::release() {
  if (!thread_.joinable()) return;
  dispatcher_.exit();
  thread_.join();
  (void)decide({.draining = true});
  show();
  (void)table_->set({}, {});  // else its elements run out
}

void Redirector::stop() {
  release();
  if (table_ == nullptr) return;
  (void)table_->remove();  // else it stays behind, and does nothing
  table_.reset();
}

void Redirector::run(const std::function<void()>& onRunning) {
  // As the guard's: its work is little, and must not wait for the workers'. Without the right to it, it may.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
  renewedAt_ = dispatcher_.now() - RedirectTable::kRenewal;
  timer_ = dispatcher_.createTimer([this] { look(); });
  const auto firstTurn = dispatcher_.createTimer([this, &onRunning] {
    look();
    onRunning();
  });
  firstTurn->enable(Duration::zero());
  dispatcher_.run();
  timer_.reset();
}

// Whoever comes while a look is pending has published before that look begins: it clears the flag first.
void Redirector::wake() {
  if (wakePending_.exchange(true, std::memory_order_acq_rel)) return;
  dispatcher_.post([this] { look(); });
}

void Redirector::look() {
  wakePending_.exchange(false, std::memory_order_acq_rel);
  const TimePoint now = dispatcher_.now();
  const Lapse lapse = lapseAt(now);
  const bool changed = decide({.workersBeat = lapse != Lapse::kWorkerStalled,  //
                               .proberStalled = lapse == Lapse::kProberStalled});
  if (changed || renewalFailed_ || now - renewedAt_ >= RedirectTable::kRenewal) renew(now);
  if (!renewalFailed_) tell(lapse);
  timer_->enable(lapse == Lapse::kNone ? RedirectTable::kRenewal : kReconsider);
}

Lapse Redirector::lapseAt(TimePoint now) const {
  if (now - sources_.workersBeat() > kStalled) return Lapse::kWorkerStalled;
  return sources_.table.proberStalled(now) ? Lapse::kProberStalled : Lapse::kNone;
}

/// True: it is another way than before for somebody.
bool Redirector::decide(const OwnState& own) {
  bool changed = false;
  for (size_t i = 0; i < peers_.size(); ++i) {
    const Way way = wayOf(sources_.table.load(peers_[i].id), peers_[i].refuses, own);
    changed = std::exchange(ways_[i], way) != way || changed;
  }
  return changed;
}

void Redirector::renew(TimePoint now) {
  redirected_.clear();
  refused_.clear();
  for (size_t i = 0; i < peers_.size(); ++i) {
    if (ways_[i] == Way::kRedirected) redirected_.push_back(peers_[i].address);
    if (ways_[i] == Way::kRefused) refused_.push_back(peers_[i].address);
  }
  const auto renewed = table_->set(redirected_, refused_);
  if (!renewed) return tableFails(renewed.error(), now);
  renewalFailed_ = false;
  renewedAt_ = now;
  show();
  if (!renewed->repaired) return;
  sources_.stats.transparentTableRepairs.add();
  callbacks_.onRedirectTableRepaired();
}

// What was there lives on for a while, and the next attempt may come in time.
void Redirector::tableFails(const Error& error, TimePoint now) {
  sources_.stats.transparentTableErrors.add();
  if (!std::exchange(renewalFailed_, true)) callbacks_.onRedirectTableFailed(error);
  if (now - renewedAt_ < RedirectTable::kTimeout) return;
  tell(Lapse::kTableFailed);
  for (const RedirectedPeer& peer : peers_)
    sources_.stats.peer(peer.id).transparent.way.set(static_cast<uint64_t>(Way::kDirect));
}

void Redirector::tell(Lapse why) {
  if (std::exchange(told_, why) != why) callbacks_.onLapse(why);
}

void Redirector::show() {
  for (size_t i = 0; i < peers_.size(); ++i)
    sources_.stats.peer(peers_[i].id).transparent.way.set(static_cast<uint64_t>(ways_[i]));
}

}  // namespace peerpulse::transparent
