// RawClient: a local client without a codec: it writes literal bytes, reads whatever comes, and goes.
//
// Threading: one thread. Ownership: owns its transport; destroyed by deferred deletion.
#pragma once

#include <memory>
#include <string>

#include "client_plan.h"
#include "local_client.h"
#include "peerpulse/net/transport.h"

namespace peerpulse::sim {

class RawClient final : public event::DeferredDeletable, net::TransportEvents {
 public:
  RawClient(LocalClient& client, RawScript script);

  /// May end it at once.
  void begin();
  /// RST.
  void cutOff() { end(true); }

 private:
  enum class Then : uint8_t { kWaits, kHalfCloses, kResets };

  void onTransportReady(uint32_t events) override;
  void compose(RawScript script);
  std::string request(const char* method, uint64_t body);
  void write();
  void read();
  void end(bool reset);
  void finish();

  LocalClient& client_;
  std::unique_ptr<net::Transport> transport_;
  std::unique_ptr<event::Timer> timer_;
  std::string text_;
  std::string heard_;
  Then then_ = Then::kWaits;
  Duration patience_{};
  uint32_t answered_ = 0;  // the request that must be, if any
  bool connected_ = false, said_ = false, over_ = false;
};

}  // namespace peerpulse::sim
