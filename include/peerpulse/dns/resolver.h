// Resolver: keeps the addresses of some names, for as long as it runs, and says when they change (NameRecord).
//
//   names --> NameRecord: when to ask --> Channel: c-ares --> NameRecord: what that changes --> ResolverCallbacks
//
// A thread of its own: a lookup reads files (/etc/hosts, /etc/resolv.conf), which may be on a disk that hangs, and neither the
// prober nor a worker nor the admin may wait for that. Whoever uses the addresses has them handed over, and never asks.
//
// Threading: construct, start() and stop() on one thread; hurry() on any; callbacks come on the resolver's own.
// Ownership: the callbacks outlive it.
// Bounds: kMaxRounds names are asked for at once, the others after them.
// Errors: whatever goes wrong is a Status; nothing ends the process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "peerpulse/base/result.h"
#include "peerpulse/dns/name_record.h"
#include "peerpulse/dns/options.h"
#include "peerpulse/event/dispatcher.h"

namespace peerpulse::dns {

class Channel;

/// What is known of a name, as it is told.
struct NameView {
  NameRecord::State state = NameRecord::State::kUnknown;
  Status status = Status::kOk;  ///< of the last round
  AddressSetRef addresses;      ///< null: none yet
  size_t leftOut = 0;           ///< addresses beyond NameRecord::kMaxAddresses
  TimePoint goodAt;             ///< when an answer with an address came last; TimePoint(): never
};

struct Name {
  std::string host;
  uint16_t port = 0;
};

class ResolverCallbacks {
 public:
  virtual ~ResolverCallbacks() = default;
  /// Which of `addresses` must not be used because they lead back to this process. Called for each answer, in any number.
  virtual void removeOwn(std::vector<SocketAddress>& addresses) = 0;
  /// The addresses are others, or a round is over. `name` is its place in the list given to Resolver.
  virtual void onName(size_t name, const NameRecord::Change& change, const NameView& view) = 0;
};

class Resolver {
 public:
  static constexpr size_t kMaxRounds = 64;

  Resolver(const Options& options, std::vector<Name> names, ResolverCallbacks& callbacks);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Begins to ask, for all names.
  void start();
  /// Returns once the thread has ended: after it no callback comes.
  void stop();
  /// There is reason to think that the addresses of `name` are old.
  void hurry(size_t name);

 private:
  void run(const std::function<void()>& onRunning);
  void askDue();
  void ask(size_t name);
  void onAnswer(size_t name, Family family, Answer answer);
  void arm();

  const Options options_;
  const std::vector<Name> names_;
  ResolverCallbacks& callbacks_;

  // On the resolver's thread, or before it runs.
  event::Dispatcher dispatcher_;
  std::vector<NameRecord> records_;  // by name
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<event::Timer> timer_;
  std::minstd_rand random_;  // jitter only
  size_t rounds_ = 0;        // under way
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace peerpulse::dns
