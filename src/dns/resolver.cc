#include "peerpulse/dns/resolver.h"

#include <algorithm>
#include <future>
#include <pthread.h>
#include <utility>

#include "channel.h"
#include "peerpulse/base/assert.h"

namespace peerpulse::dns {

Resolver::Resolver(const Options& options, std::vector<Name> names, ResolverCallbacks& callbacks)
    : options_(options), names_(std::move(names)), callbacks_(callbacks), random_(std::random_device{}()) {
  for (size_t i = 0; i < names_.size(); ++i)
    records_.emplace_back(options_);
}

Resolver::~Resolver() { stop(); }

void Resolver::start() {
  PP_ASSERT(!thread_.joinable());
  // exit() before the loop runs would be lost: wait for its first turn.
  std::promise<void> running;
  auto isRunning = running.get_future();
  thread_ = std::thread([this, &running] { run([&running] { running.set_value(); }); });
  // The name is for people with a debugger or top; a failure changes nothing.
  (void)pthread_setname_np(thread_.native_handle(), "pp-names");
  isRunning.wait();
}

void Resolver::stop() {
  if (!thread_.joinable()) return;
  dispatcher_.exit();
  thread_.join();
}

void Resolver::run(const std::function<void()>& onRunning) {
  const auto firstTurn = dispatcher_.createTimer([this, onRunning] {
    onRunning();
    askDue();
  });
  channel_ = std::make_unique<Channel>(dispatcher_, options_);
  timer_ = dispatcher_.createTimer([this] { askDue(); });
  firstTurn->enable(Duration::zero());
  dispatcher_.run();
  stopping_ = true;  // what is open is answered now, and means nothing
  channel_.reset();
  timer_.reset();
}

void Resolver::hurry(size_t name) {
  dispatcher_.post([this, name] {
    records_[name].hurry(dispatcher_.now());
    arm();
  });
}

void Resolver::askDue() {
  const TimePoint now = dispatcher_.now();
  for (size_t i = 0; i < records_.size() && rounds_ < kMaxRounds; ++i) {
    if (records_[i].nextAsk() <= now) ask(i);
  }
  arm();
}

// An answer of /etc/hosts comes from inside lookUp().
void Resolver::ask(size_t name) {
  ++rounds_;
  records_[name].onAsked(dispatcher_.now());
  for (const Family family : {Family::kV4, Family::kV6}) {
    channel_->lookUp(names_[name].host, names_[name].port, family,
                     [this, name, family](Answer answer) { onAnswer(name, family, std::move(answer)); });
  }
}

void Resolver::onAnswer(size_t name, Family family, Answer answer) {
  if (stopping_) return;
  if (answer.status == Status::kOk) {
    callbacks_.removeOwn(answer.addresses);
    if (answer.addresses.empty()) answer.status = Status::kLoop;
  }
  NameRecord& record = records_[name];
  const double jitter = std::uniform_real_distribution<double>(0, 1)(random_);
  const NameRecord::Change change = record.onAnswer(family, std::move(answer), dispatcher_.now(), jitter);
  if (change.round) --rounds_;
  if (change.round || change.addresses) {
    callbacks_.onName(name, change,
                      {record.state(), record.status(), record.addresses(), record.leftOut(), record.goodAt()});
  }
  if (change.round) arm();
}

void Resolver::arm() {
  TimePoint next = TimePoint::max();
  for (const NameRecord& record : records_)
    next = std::min(next, record.nextAsk());
  if (rounds_ >= kMaxRounds || next == TimePoint::max()) {
    timer_->disable();
  } else {
    timer_->enable(next - dispatcher_.now());
  }
}

}  // namespace peerpulse::dns
