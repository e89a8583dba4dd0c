// HTTP/1.1 codecs. One bit of the input chooses between two ways to look at it:
//   steady    users who always do the same: what they are told, and what the codec says, is the same for the whole input
//             and for its pieces; every head that was taken is legal when it is sent on
//   erratic   users who do anything at any time: one end each, nothing behind it (../unit/http/erratic.h)
#include <string>

#include "../unit/http/erratic.h"
#include "check.h"
#include "codec_users.h"
#include "fuzzers.h"
#include "peerpulse/http/codec.h"
#include "round_trip.h"

namespace peerpulse::fuzz {
namespace {

/// Small enough that inputs reach them, or those of the product.
http::CodecLimits limitsOf(bool small) {
  http::CodecLimits limits;
  if (!small) return limits;
  limits.maxHeaderCount = 6;
  limits.maxHeaderFieldSize = 64;
  limits.maxHeaderListSize = 256;
  limits.maxRequestLineSize = 64;
  limits.maxChunkExtension = 16;
  limits.streamWindow = 256;
  return limits;
}

struct Told {
  std::string text;    ///< to the users
  std::string output;  ///< to the remote side
  bool failed = false;
  bool reusable = false;  ///< a client may send another request
};

/// Feeds what the codec wants. False: it refused.
bool feed(http::Codec& codec, std::string_view piece, std::string& said) {
  if (!codec.wantsRead()) return true;
  const bool good = static_cast<bool>(codec.receive(Slice::copyOf(piece)));
  said += output(codec);
  return good;
}

/// Until it refuses or is finished; `fin`: then the end. Returns how many bytes were given.
size_t feedAll(http::Codec& codec, const std::vector<std::string_view>& pieces, bool fin, Told& told) {
  size_t given = 0;
  for (const std::string_view piece : pieces) {
    given += piece.size();
    told.failed = !feed(codec, piece, told.output);
    if (told.failed || codec.finished()) break;
  }
  if (fin && !told.failed) codec.receiveEof();
  told.output += output(codec);
  return given;
}

Told serve(const std::vector<std::string_view>& pieces, SteadyServer::Answer answer, const http::CodecLimits& limits,
           bool fin, bool trips) {
  SteadyServer users(answer);
  const auto codec = http::createH1ServerCodec(users, limits);
  Told told;
  const size_t given = feedAll(*codec, pieces, fin, told);
  FUZZ_CHECK(receivedBy(users) <= given, "no more body than bytes");
  checkEnd(*codec, users);
  told.text = toldTo(users);
  if (trips) {
    for (const http::RequestHead& head : users.heads) {
      checkOverH1(head);
      checkOverH2(head);
    }
  }
  return told;
}

Told listen(const std::vector<std::string_view>& pieces, const http::RequestHead& request,
            const http::CodecLimits& limits, bool fin, bool trips) {
  SteadyClient users;
  const auto codec = http::createH1ClientCodec(users, limits);
  users.send(*codec, request, true);
  Told told;
  told.output = output(*codec);
  const size_t given = feedAll(*codec, pieces, fin, told);
  FUZZ_CHECK(receivedBy(users) <= given, "no more body than bytes");
  const auto& heads = users.exchanges.front()->heads;
  told.reusable = !told.failed && codec->canOpenStream();
  checkEnd(*codec, users);
  told.text = toldTo(users);
  if (trips && !heads.empty() && heads.front().status != 101 && request.method == "GET") {
    checkOverH1(heads.front());
    checkOverH2(heads.front());
  }
  return told;
}

// With the NULs that it may have.
void show(const char* name, const Told& told) {
  const std::string all = told.text + "---\n" + told.output + "\n";
  std::fprintf(stderr, "=== %s (reusable: %d, failed: %d):\n", name, told.reusable, told.failed);
  std::fwrite(all.data(), 1, all.size(), stderr);
}

bool brokenOff(const Told& told) { return told.failed || told.text.find(" reset:") != std::string::npos; }

void compare(const Told& whole, const Told& cut) {
  const bool same = whole.text == cut.text && whole.output == cut.output && whole.reusable == cut.reusable;
  if (!same) {
    show("whole", whole);
    show("cut", cut);
  }
  FUZZ_CHECK(same, "the same whole and in pieces");
}

/// What the bytes at an input's end decide.
struct H1Choices {
  explicit H1Choices(Input& input)
      : bits(input.byte()), cuts(input.byte()), seed(input.word()), limits(limitsOf((bits & 2U) != 0)) {}
  bool erratic() const { return (bits & 1U) != 0; }
  bool fin() const { return (bits & 4U) != 0; }
  uint32_t more() const { return bits >> 3U; }

  const uint32_t bits;
  const Cuts cuts;
  const uint32_t seed;
  const http::CodecLimits limits;
};

http::RequestHead requestOf(uint32_t kind) {
  http::RequestHead head;
  head.method = kind == 1 ? "HEAD" : kind == 2 ? "POST" : "GET";
  head.path = "/";
  head.authority = "a";
  head.complete = true;
  if (kind == 3) head.upgrade = "websocket";
  return head;
}

}  // namespace

std::string wireOfH1(Input input) {
  const H1Choices choices(input);
  return std::string(input.rest());
}

void fuzzH1Request(Input input) {
  const H1Choices choices(input);
  const auto pieces = cut(input.rest(), choices.cuts.count, choices.seed);
  if (choices.erratic()) {
    http::test::ErraticServer users(choices.seed);
    const auto codec = http::createH1ServerCodec(users, choices.limits);
    http::test::Drive<http::test::ErraticServer> drive(*codec, users);
    for (const std::string_view piece : pieces)
      if (!drive.feed(piece)) break;
    drive.end();
    return;
  }
  const auto answer = static_cast<SteadyServer::Answer>(choices.more() % 3);
  const Told whole = serve({input.rest()}, answer, choices.limits, choices.fin(), choices.cuts.trips);
  if (!choices.cuts.pieces) return;
  const Told inPieces = serve(pieces, answer, choices.limits, choices.fin(), false);
  if (answer == SteadyServer::Answer::kEarly) {
    // How much of a body is told behind an early answer depends on when that leaves, and so does what a break costs: it takes an
    // answer with it that has not left.
    const bool broken = brokenOff(whole) || brokenOff(inPieces);
    FUZZ_CHECK(broken || whole.output == inPieces.output, "the same answers");
  } else {
    compare(whole, inPieces);
  }
}

void fuzzH1Response(Input input) {
  const H1Choices choices(input);
  const auto pieces = cut(input.rest(), choices.cuts.count, choices.seed);
  if (choices.erratic()) {
    http::test::ErraticClient users(choices.seed);
    const auto codec = http::createH1ClientCodec(users, choices.limits);
    http::test::Drive<http::test::ErraticClient> drive(*codec, users);
    for (const std::string_view piece : pieces) {
      users.open(*codec);
      drive.between();
      if (!drive.feed(piece)) break;
    }
    drive.end();
    return;
  }
  const http::RequestHead request = requestOf(choices.more() % 4);
  const Told whole = listen({input.rest()}, request, choices.limits, choices.fin(), choices.cuts.trips);
  if (choices.cuts.pieces) compare(whole, listen(pieces, request, choices.limits, choices.fin(), false));
}

}  // namespace peerpulse::fuzz
