// FrameBudgets: how many frames that move nothing a peer may send, each kind for itself and in proportion to the useful
// frames of either direction (faults A2, A5, A7). One level for all kinds would end honest peers: one that refreshes both
// windows for each 4 KiB it reads sends many times more WINDOW_UPDATEs than it gets DATA frames, for as long as it reads.
//
//   kind             honest reason                               stands against
//   WINDOW_UPDATE    bytes were read                             bytes and DATA frames we sent, messages
//   PRIORITY         wishes for a stream                         messages, DATA frames
//   empty DATA       a flush of the sender's                     DATA frames received, messages
//   unknown types    extensions, grease (RFC 9113 5.5)           messages, DATA frames
//   stream errors    resets that the peer makes us send          messages
// PING and SETTINGS are not among them: an idle connection lives for weeks on them. What they cost is bounded by the
// answers that wait (nghttp2).
//
// Threading: a value; one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "glitch_meter.h"

namespace peerpulse::http::h2 {

enum class Glitch : uint8_t { kWindowUpdate, kPriority, kEmptyData, kUnknown, kStreamError };
inline constexpr size_t kGlitchKinds = 5;

class FrameBudgets {
 public:
  /// `burst`: frames of one kind without anything useful.
  explicit FrameBudgets(size_t burst)
      : meters_{GlitchMeter(burst, kMaxOutstanding / kBytesPerUpdate), GlitchMeter(burst), GlitchMeter(burst),
                GlitchMeter(burst), GlitchMeter(burst)} {}

  /// False: it is a flood.
  bool take(Glitch kind) { return meter(kind).glitch(); }

  void dataSent(size_t size) {
    meter(Glitch::kWindowUpdate).useful(kUpdatesPerFrame + size / kBytesPerUpdate);
    dataFrame();
  }
  void dataReceived() {
    meter(Glitch::kEmptyData).useful(1);
    dataFrame();
  }
  /// A whole message came or went.
  void message() {
    for (GlitchMeter& each : meters_)
      each.useful(kPerMessage);
  }

 private:
  static constexpr size_t kPerMessage = 8;
  /// A small message is read at once, and given back to both windows.
  static constexpr size_t kUpdatesPerFrame = 2;
  /// Both windows after each read of 256 bytes.
  static constexpr size_t kBytesPerUpdate = 128;
  /// Bytes sent that may be given back later.
  static constexpr size_t kMaxOutstanding = size_t{128} * 1024 * 1024;

  void dataFrame() {
    meter(Glitch::kPriority).useful(1);
    meter(Glitch::kUnknown).useful(1);
  }
  GlitchMeter& meter(Glitch kind) { return meters_[static_cast<size_t>(kind)]; }

  std::array<GlitchMeter, kGlitchKinds> meters_;
};

}  // namespace peerpulse::http::h2
