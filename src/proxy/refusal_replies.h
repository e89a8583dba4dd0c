// RefusalReplies: the answers that an open circuit gives, made once per change of the circuit instead of once per
// exchange: thousands may be owed them at the same moment.
//
// Threading: one thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "local_reply.h"

namespace peerpulse::proxy {

class RefusalReplies {
 public:
  /// `make()` makes the reply of this generation of the circuit's word.
  template <typename Make>
  const PreparedReply& get(uint16_t generation, bool grpc, Make make) {
    if (generation_ != generation) replies_ = {};
    generation_ = generation;
    auto& reply = replies_[grpc ? 1 : 0];
    if (!reply) reply = std::make_unique<PreparedReply>(make());
    return *reply;
  }

 private:
  std::array<std::unique_ptr<PreparedReply>, 2> replies_;  // [grpc]
  uint32_t generation_ = UINT32_MAX;
};

}  // namespace peerpulse::proxy
