// Receivers and owners of client codecs for which most of what is told is nothing to act on: who derives from them names only
// what matters.
#pragma once

#include "peerpulse/http/codec.h"

namespace peerpulse::http {

class QuietReceiver : public ResponseReceiver {
 public:
  void onInformational(ResponseHead&&) override {}
  void onHeaders(ResponseHead&&) override {}
  void onData(Slice) override {}
  void onTrailers(HeaderList&&) override {}
  void onEnd() override {}
  void onBodySent(size_t) override {}
  void onClosed() override {}
  void onReset(ResetReason, std::string_view) override {}
};

/// Of a codec that is asked for its output after each step.
class QuietClientOwner : public ClientCodecOwner {
 public:
  void onOutputReady() override {}
  void onCapacityChanged() override {}
  void onGoAway(uint32_t, std::string_view) override {}
  void onPingAck(uint64_t) override {}
};

}  // namespace peerpulse::http
