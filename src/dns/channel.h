// Channel: c-ares on an event loop: one question in, one answer out, whatever servers, search domains, /etc/hosts, retries and
// TCP it takes. What it reads of files it reads when it is asked; it never blocks on the network.
//
// Threading: its dispatcher's thread.
// Ownership: the questions are c-ares'; those that are open when the channel goes are answered by kOwnTrouble, before its
//   destructor returns. Callbacks come from inside lookUp(), too.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "peerpulse/base/result.h"
#include "peerpulse/dns/answer.h"
#include "peerpulse/dns/options.h"
#include "peerpulse/event/dispatcher.h"

struct ares_channeldata;

namespace peerpulse::dns {

class Channel {
 public:
  using Callback = std::function<void(Answer)>;

  /// `options` outlives it.
  Channel(event::Dispatcher& dispatcher, const Options& options);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Reads the configuration; an error says what of it cannot be used. lookUp() tries again.
  Result<void> open();
  /// `name` as Endpoint::name() has it; `port` is put into the addresses.
  void lookUp(const std::string& name, uint16_t port, Family family, Callback done);

 private:
  struct Question;
  Result<void> make(int flags);
  void closeChannel();
  void renewIfChanged();
  void watch(int fd, bool read, bool write);
  void process(int readable, int writable);
  void armTimer();
  void answered(Question& question, Answer answer);

  event::Dispatcher& dispatcher_;
  const Options& options_;
  ares_channeldata* ares_ = nullptr;
  std::string fileSeen_;  // what /etc/resolv.conf was when it was read
  std::map<int, std::unique_ptr<event::FileEvent>> watched_;
  std::unique_ptr<event::Timer> timer_;
  size_t open_ = 0;  // questions
};

}  // namespace peerpulse::dns
