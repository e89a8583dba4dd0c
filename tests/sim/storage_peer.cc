#include "storage_peer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "storage_serving.h"

namespace peerpulse::sim {

StoragePeer::StoragePeer(test::VirtualTime& time, test::MemoryNetwork& network, test::HostId host, uint8_t number,
                         const SocketAddress& address, const PeerManners& manners, Random random,
                         RequestLedger& ledger, const BodyPattern& pattern)
    : network_(network),
      host_(host),
      number_(number),
      address_(address),
      manners_(manners),
      random_(random),
      ledger_(ledger),
      pattern_(pattern),
      loop_(time),
      connector_(network, host, loop_) {
  start();
}

StoragePeer::~StoragePeer() { end(); }

void StoragePeer::start() {
  if (running()) return;
  io_.emplace(loop_, connector_);
  failing_ = false;
  listener_ = std::make_unique<test::MemoryListener>(network_, host_, address_);
  acceptor_ = std::make_unique<test::MemoryAcceptor>(loop_, *listener_, [this](std::unique_ptr<net::Transport> t) {
    served_.push_front(std::make_unique<Served>(*this, std::move(t)));
    served_.front()->self = served_.begin();
  });
}

void StoragePeer::end() {
  acceptor_.reset();
  listener_.reset();
  served_.clear();
  loop_.unblock();
  loop_.clearDeferred();
  io_.reset();
  loop_.clearDeferred();
}

void StoragePeer::stop() {
  if (!running()) return;
  network_.stop(host_);
  loop_.block(TimePoint::max());
}

void StoragePeer::resume() {
  if (!running()) return;
  loop_.unblock();
  network_.resume(host_);
}

void StoragePeer::fillAcceptQueue(bool full) {
  if (!running()) return;
  acceptor_->setEnabled(!full);
  listener_->setBacklog(full ? 0 : test::MemoryListener::kBacklog);
}

void StoragePeer::closeConnections() {
  for (auto next = served_.begin(); next != served_.end();)
    (*next++)->close("the storage process closes its connections");
}

}  // namespace peerpulse::sim
