// The owner of a CodecConnection that keeps what it was told about the end, and sees that it is told once
// and nothing else after it.
#pragma once

#include <functional>
#include <string>

#include <doctest/doctest.h>

#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::test {

struct EndRecorder : wire::CodecConnectionOwner {
  void onHeard() override { CHECK_FALSE(ended); }
  void onSettled() override { CHECK_FALSE(ended); }
  void onEnded(const wire::End& end) override {
    CHECK_FALSE(ended);
    ended = true;
    kind = end.kind;
    closeCode = end.error;
    endDetail = end.detail;
    if (whenEnded) whenEnded();
  }
  bool ended = false;
  wire::End::Kind kind{};
  int closeCode = 0;
  std::string endDetail;
  std::function<void()> whenEnded;
};

}  // namespace peerpulse::test
