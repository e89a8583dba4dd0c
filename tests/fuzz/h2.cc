// HTTP/2 codecs, steady or erratic users as in h1.cc. What ended in order is told the same whole and in pieces where the
// connection lives on; where it fails both ways fail (what came with the bytes that broke it is not told).
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "../unit/http/erratic.h"
#include "check.h"
#include "codec_users.h"
#include "fuzzers.h"
#include "h2_frames.h"
#include "peerpulse/http/codec.h"
#include "round_trip.h"

namespace peerpulse::fuzz {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

http::CodecLimits limitsFor(bool small) {
  http::CodecLimits limits;
  // Of clocks: a stream's tokens come back with time, which must not decide anything here.
  limits.resetBurst = 1'000'000;
  if (!small) return limits;
  limits.maxHeaderCount = 8;
  limits.maxHeaderFieldSize = 100;
  limits.maxHeaderListSize = 600;
  limits.maxConcurrentStreams = 3;
  limits.streamWindow = 1000;
  return limits;
}

struct Heard {
  std::string text;
  std::string error;
  bool failed = false;
  bool reset = false;     ///< our side gave a stream up
  bool finished = false;  ///< before all was read
};

/// Of what our side says: it gave a stream up.
bool resets(std::string_view frames) {
  constexpr size_t kHead = 9;
  while (frames.size() >= kHead) {
    const auto at = [frames](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(frames[i])); };
    if (at(3) == 3) return true;
    frames.remove_prefix(std::min(frames.size(), kHead + (at(0) << 16U | at(1) << 8U | at(2))));
  }
  return false;
}

/// Until it refuses or is finished. Returns how many bytes were given.
size_t feedH2(http::Codec& codec, const std::vector<std::string_view>& pieces, Heard& heard) {
  size_t given = 0;
  for (const std::string_view piece : pieces) {
    given += piece.size();
    const Result<void> taken = codec.receive(Slice::copyOf(piece));
    heard.reset = resets(output(codec)) || heard.reset;
    heard.failed = !taken;
    if (!taken) heard.error = taken.error().message;
    heard.finished = codec.finished();
    if (heard.failed || heard.finished) break;
  }
  return given;
}

Heard serveH2(const std::vector<std::string_view>& pieces, SteadyServer::Answer answer,
              const http::CodecLimits& limits, bool trips) {
  SteadyServer users(answer);
  const auto codec = http::createH2ServerCodec(users, limits);
  Heard heard;
  const size_t given = feedH2(*codec, pieces, heard);
  FUZZ_CHECK(receivedBy(users) <= given, "no more body than bytes");
  checkEnd(*codec, users);
  heard.text = toldTo(users);
  if (trips) {
    for (const http::RequestHead& head : users.heads) {
      checkOverH1(head);
      checkOverH2(head);
    }
  }
  return heard;
}

Heard listenH2(const std::vector<std::string_view>& pieces, uint32_t streams, const http::CodecLimits& limits,
               bool trips) {
  SteadyClient users;
  const auto codec = http::createH2ClientCodec(users, limits);
  http::RequestHead request;
  request.method = "GET";
  request.path = "/";
  request.authority = "a";
  request.complete = true;
  for (uint32_t i = 0; i < streams && codec->canOpenStream(); ++i)
    users.send(*codec, request, true);
  output(*codec);
  Heard heard;
  const size_t given = feedH2(*codec, pieces, heard);
  FUZZ_CHECK(receivedBy(users) <= given, "no more body than bytes");
  checkEnd(*codec, users);
  heard.text = toldTo(users);
  for (const auto& exchange : users.exchanges) {
    if (!trips || exchange->heads.empty()) continue;
    checkOverH1(exchange->heads.front());
    checkOverH2(exchange->heads.front());
  }
  return heard;
}

/// What ended in order whole, did so in pieces. (A stream that is reset by the bytes behind it need not be told of at all.)
bool covers(const Heard& pieces, std::string_view whole) {
  while (!whole.empty()) {
    const std::string_view line = whole.substr(0, whole.find('\n') + 1);
    whole.remove_prefix(line.empty() ? whole.size() : line.size());
    if (line.find(" closed <") != std::string_view::npos && pieces.text.find(line) == std::string::npos) return false;
  }
  return true;
}

void show(const Heard& whole, const Heard& pieces) {
  std::fprintf(stderr, "whole (%s):\n%s=== cut (%s):\n%s\n", whole.error.c_str(), whole.text.c_str(),
               pieces.error.c_str(), pieces.text.c_str());
}

/// A malformed request is answered at its head, whatever its server answers.
bool refused(const Heard& heard) { return ("\n" + heard.text).find("\nbad ") != std::string::npos; }

/// `settled`: nothing that our side says decides whether what comes is legal (a frame on a stream that was answered or reset, and
/// is closed, or not yet).
void compareHeard(const Heard& whole, const Heard& pieces, bool settled) {
  // What follows a connection's end in order is not read.
  if (pieces.finished && !pieces.failed) return;
  if ((!settled || whole.reset || pieces.reset) && whole.failed != pieces.failed) return;
  if (whole.failed != pieces.failed) show(whole, pieces);
  FUZZ_CHECK(whole.failed == pieces.failed, "the same verdict whole and in pieces");
  if (whole.failed) return;
  // A stream that was answered before its request had come whole is closed: the rest goes nowhere.
  const bool same = !settled || covers(pieces, whole.text);
  if (!same) show(whole, pieces);
  FUZZ_CHECK(same, "the same whole and in pieces");
}

struct Choices {
  explicit Choices(Input& input)
      : bits(input.byte()), cuts(input.byte()), seed(input.word()), limits(limitsFor((bits & 2U) != 0)) {}
  bool erratic() const { return (bits & 1U) != 0; }
  /// The rest is frames as they are, without what every connection begins with.
  bool raw() const { return (bits & 4U) != 0; }
  uint32_t more() const { return bits >> 3U; }

  const uint32_t bits;
  const Cuts cuts;
  const uint32_t seed;
  const http::CodecLimits limits;
};

/// `rest`: the input without its choices; `before`: what this side begins a connection with, ahead of its SETTINGS.
std::string wireOf(const Choices& choices, std::string_view rest, std::string_view before) {
  if (choices.raw()) return std::string(rest);
  return std::string(before) + frameOf(4, 0, 0, "") + framesOf(rest);
}

}  // namespace

std::string wireOfH2Server(Input input) {
  const Choices choices(input);
  return wireOf(choices, input.rest(), kPreface);
}

std::string wireOfH2Client(Input input) {
  const Choices choices(input);
  return wireOf(choices, input.rest(), "");
}

void fuzzH2Server(Input input) {
  const Choices choices(input);
  const std::string wire = wireOf(choices, input.rest(), kPreface);
  const auto pieces = cut(wire, choices.cuts.count, choices.seed);
  if (choices.erratic()) {
    http::test::ErraticServer users(choices.seed);
    const auto codec = http::createH2ServerCodec(users, choices.limits);
    http::test::Drive<http::test::ErraticServer> drive(*codec, users);
    for (const std::string_view piece : pieces)
      if (!drive.feed(piece)) break;
    drive.end();
    return;
  }
  const auto answer = static_cast<SteadyServer::Answer>(choices.more() % 4);
  const Heard whole = serveH2({wire}, answer, choices.limits, choices.cuts.trips);
  if (!choices.cuts.pieces) return;
  const Heard inPieces = serveH2(pieces, answer, choices.limits, false);
  compareHeard(whole, inPieces, answer == SteadyServer::Answer::kNone && !refused(whole) && !refused(inPieces));
}

void fuzzH2Client(Input input) {
  const Choices choices(input);
  const std::string wire = wireOf(choices, input.rest(), "");
  const auto pieces = cut(wire, choices.cuts.count, choices.seed);
  if (choices.erratic()) {
    http::test::ErraticClient users(choices.seed);
    const auto codec = http::createH2ClientCodec(users, choices.limits);
    http::test::Drive<http::test::ErraticClient> drive(*codec, users);
    for (const std::string_view piece : pieces) {
      users.open(*codec);
      drive.between();
      if (!drive.feed(piece)) break;
    }
    drive.end();
    return;
  }
  const uint32_t streams = 1 + choices.more() % 4;
  const Heard whole = listenH2({wire}, streams, choices.limits, choices.cuts.trips);
  if (choices.cuts.pieces) compareHeard(whole, listenH2(pieces, streams, choices.limits, false), true);
}

}  // namespace peerpulse::fuzz
