// FrameBudgets: how many frames that move nothing a peer may send, each kind for itself and in proportion to the useful
// frames of either direction (faults A1, A2, A5, A7). One level for all kinds would end honest peers: one that refreshes both
// windows for each 4 KiB it reads sends many times more WINDOW_UPDATEs than it gets DATA frames, for as long as it reads.
//
//   kind             honest reason                               stands against
//   WINDOW_UPDATE    bytes were read                             bytes and DATA frames we sent, messages
//   PRIORITY         wishes for a stream                         messages, DATA frames
//   empty DATA       a flush of the sender's                     DATA frames received, messages
//   unknown types    extensions, grease (RFC 9113 5.5)           messages, DATA frames
//   resets           no longer wanted; and those of ours that    streams that ended in order, time
//                    the peer made us send (CVE-2025-8671)
//   PING             is it still there; how long is the path,    DATA frames we sent, time
//                    asked with each read of data (gRPC)
//   SETTINGS         the peer changed its mind                   time
//   GOAWAY           it will go                                  time
// A request pays for no reset: who resets what it asked for, or makes us do so, sends a request each time, too.
// Who has sent a tenth of what would be a flood is read more slowly from there on (takeExcess()): each frame is little work, and
// as many as a connection brings are all the work that a loop can do.
// Time is told by the owner (Codec::secondsPassed()). Where nobody tells it what only time pays for is not limited here: an
// idle connection lives for weeks on its PINGs. Answers that wait are bounded in any case (nghttp2).
//
// Threading: a value; one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "glitch_meter.h"

namespace peerpulse::http::h2 {

enum class Glitch : uint8_t { kWindowUpdate, kPriority, kEmptyData, kUnknown, kReset, kPing, kSettings, kGoAway };
inline constexpr size_t kGlitchKinds = 8;

/// The word of metrics and logs.
constexpr const char* toString(Glitch kind) {
  constexpr std::array<const char*, kGlitchKinds> kNames = {"window_update", "priority", "empty_data", "unknown",
                                                            "reset",         "ping",     "settings",   "goaway"};
  return kNames[static_cast<size_t>(kind)];
}

class FrameBudgets {
 public:
  /// `burst`: frames of one kind without anything useful. `perSecond`: of those that time pays for.
  explicit FrameBudgets(size_t burst, size_t perSecond = 0)
      : freely_(static_cast<int64_t>(burst / 10)),
        perSecond_(perSecond),
        meters_{GlitchMeter(burst, kMaxOutstanding / kBytesPerUpdate),
                GlitchMeter(burst),
                GlitchMeter(burst),
                GlitchMeter(burst),
                GlitchMeter(burst),
                GlitchMeter(burst),
                GlitchMeter(burst),
                GlitchMeter(burst)} {}

  /// False: it is a flood.
  bool take(Glitch kind) {
    const bool limited = timed_ || !onlyTimePays(kind);
    const bool within = meter(kind).glitch();
    if (limited && meter(kind).level() > freely_) ++excess_;
    return within || !limited;
  }
  /// Frames since the last call that came when nothing useful stood against a tenth of `burst`.
  size_t takeExcess() { return std::exchange(excess_, 0); }

  void dataSent(size_t size) {
    meter(Glitch::kWindowUpdate).useful(kUpdatesPerFrame + size / kBytesPerUpdate);
    meter(Glitch::kPing).useful(1);
    dataFrame();
  }
  void dataReceived() {
    meter(Glitch::kEmptyData).useful(1);
    dataFrame();
  }
  /// A whole message came or went.
  void message() {
    for (const Glitch kind : {Glitch::kWindowUpdate, Glitch::kPriority, Glitch::kEmptyData, Glitch::kUnknown})
      meter(kind).useful(kPerMessage);
  }
  /// A stream ended in order.
  void streamDone() { meter(Glitch::kReset).useful(1); }
  void secondsPassed(uint32_t seconds) {
    timed_ = true;
    for (const Glitch kind : {Glitch::kReset, Glitch::kPing, Glitch::kSettings, Glitch::kGoAway})
      meter(kind).useful(perSecond_ * seconds);
  }

 private:
  static constexpr size_t kPerMessage = 8;
  /// A small message is read at once, and given back to both windows.
  static constexpr size_t kUpdatesPerFrame = 2;
  /// Both windows after each read of 256 bytes.
  static constexpr size_t kBytesPerUpdate = 128;
  /// Bytes sent that may be given back later.
  static constexpr size_t kMaxOutstanding = size_t{128} * 1024 * 1024;

  static bool onlyTimePays(Glitch kind) {
    return kind == Glitch::kPing || kind == Glitch::kSettings || kind == Glitch::kGoAway;
  }
  void dataFrame() {
    meter(Glitch::kPriority).useful(1);
    meter(Glitch::kUnknown).useful(1);
  }
  GlitchMeter& meter(Glitch kind) { return meters_[static_cast<size_t>(kind)]; }

  const int64_t freely_;
  const size_t perSecond_;
  size_t excess_ = 0;
  bool timed_ = false;
  std::array<GlitchMeter, kGlitchKinds> meters_;
};

}  // namespace peerpulse::http::h2
