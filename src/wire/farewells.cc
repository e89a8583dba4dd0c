#include "peerpulse/wire/farewells.h"

#include <utility>

namespace peerpulse::wire {

class Farewells::Farewell final : public event::DeferredDeletable, net::ConnectionCallbacks {
 public:
  Farewell(Farewells& owner, std::unique_ptr<net::Connection> connection)
      : owner_(owner), connection_(std::move(connection)), timer_(owner.scheduler_.createTimer([this] { end(); })) {}

  std::list<std::unique_ptr<Farewell>>::iterator self;

  void begin() {
    connection_->setCallbacks(*this);
    connection_->setReadEnabled(true);
    timer_->enable(kLinger);
    connection_->endOutput();
  }
  void end() {
    if (std::exchange(ended_, true)) return;
    connection_->close();
    timer_->disable();
    owner_.remove(*this);
  }

 private:
  void onRead(Slice) override {}
  void onEof() override {}
  void onWritable() override {}
  void onClosed(const Error&) override { end(); }

  Farewells& owner_;
  std::unique_ptr<net::Connection> connection_;
  std::unique_ptr<event::Timer> timer_;
  bool ended_ = false;
};

Farewells::Farewells(event::Scheduler& scheduler) : scheduler_(scheduler) {}

Farewells::~Farewells() = default;

void Farewells::take(std::unique_ptr<net::Connection> connection) {
  if (farewells_.size() >= kMax) farewells_.front()->end();
  farewells_.push_back(std::make_unique<Farewell>(*this, std::move(connection)));
  Farewell& farewell = *farewells_.back();
  farewell.self = std::prev(farewells_.end());
  farewell.begin();
}

void Farewells::remove(Farewell& farewell) {
  const auto node = farewell.self;
  scheduler_.deferredDelete(std::move(*node));
  farewells_.erase(node);
}

}  // namespace peerpulse::wire
