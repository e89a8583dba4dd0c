// A running admin server: three peers, its dispatcher on a thread of its own, and a small blocking client.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "peerpulse/admin/event_log.h"
#include "peerpulse/admin/server.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/base/mutex.h"
#include "peerpulse/event/dispatcher.h"

namespace peerpulse::admin::test {

struct Answer {
  int status = 0;
  std::string head;  ///< lower case
  std::string body;
};

/// A blocking client socket with a deadline on every read, so that a missing answer fails instead of hanging.
class Client {
 public:
  explicit Client(const SocketAddress& address);
  void send(const std::string& bytes);
  /// Nothing more will be sent.
  void end();
  /// Reads until `done(everything so far)`, EOF or the deadline; returns everything so far.
  const std::string& readUntil(const std::function<bool(const std::string&)>& done);
  const std::string& readUntilText(const std::string& text) {
    return readUntil([&](const std::string& all) { return all.find(text) != std::string::npos; });
  }
  /// The next whole answer with a content-length.
  Answer readAnswer(bool head = false);
  bool eof() const { return eof_; }

 private:
  Fd fd_;
  std::string received_;
  bool eof_ = false;
};

struct Override {
  PeerId peer{};
  health::CircuitOverride change;
  std::string why;
};

class Fixture {
 public:
  explicit Fixture(const std::string& listen = "127.0.0.1:0");
  ~Fixture();

  const SocketAddress& address() const { return address_; }
  std::string host() const { return address_.toString(); }
  void publish(uint32_t peer, health::Verdict verdict, health::CircuitState circuit, health::Reason reason);
  void setAllAlive();
  void addEvent(uint32_t peer, health::Verdict from, health::Verdict to);
  std::vector<Override> overrides();
  void setNotReady(std::vector<std::string> what);
  void setLocalHealth(std::string state);
  /// Of the first peer.
  void setName(NameView view);
  /// Returns once it was carried out.
  void drain();

  /// One request on a connection of its own. `head`: further field lines, each ended by CRLF.
  Answer request(const std::string& method, const std::string& path, const std::string& body = "",
                 const std::string& head = "", const std::optional<std::string>& host = std::nullopt);
  Answer get(const std::string& path) { return request("GET", path); }
  Answer post(const std::string& path, const std::string& body, const std::string& head = "") {
    return request("POST", path, body, head);
  }

  health::CircuitTable circuits;
  stats::Stats stats;
  EventLog events;

  Sources sources();

 private:
  proxy::SnapshotRef snapshot_;

  Mutex mutex_;
  std::vector<Override> overrides_ PP_GUARDED_BY(mutex_);
  std::vector<std::string> notReady_ PP_GUARDED_BY(mutex_);
  std::string localHealth_ PP_GUARDED_BY(mutex_) = "ok";
  std::optional<NameView> name_ PP_GUARDED_BY(mutex_);
  event::Dispatcher dispatcher_;
  std::unique_ptr<Server> server_;
  SocketAddress address_;
  std::thread thread_;
};

}  // namespace peerpulse::admin::test
