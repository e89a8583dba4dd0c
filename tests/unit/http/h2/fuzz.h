// Runs an input of the wire catalogue through the h2 codecs again: cut and spoilt at every byte, with erratic
// users on our side. Nothing is expected but that no assertion of the codecs falls and that every stream ends once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "../erratic.h"
#include "h2/client_codec.h"
#include "h2/server_codec.h"

namespace peerpulse::http::test {

/// The states that were seen.
struct H2Visited {
  std::set<h2::Life> life;
  std::set<h2::Hold> hold;
  std::set<h2::Incoming> incoming;
  std::set<h2::Outgoing> outgoing;
  void see(const h2::Session& session) {
    life.insert(session.life());
    for (const auto& stream : session.streams()) {
      hold.insert(stream->hold.now());
      incoming.insert(stream->incoming.now());
      outgoing.insert(stream->outgoing.now());
    }
  }
};

inline void fuzzH2Server(const std::string& input, size_t cut, uint64_t seed, const CodecLimits& limits,
                         H2Visited& visited) {
  CAPTURE(cut);
  CAPTURE(seed);
  ErraticServer owner(seed);
  h2::ServerCodec codec(owner, limits);
  owner.watch = [&] { visited.see(codec); };
  Drive<ErraticServer> drive(codec, owner);
  const std::string spoilt = mutated(input, cut, owner.dice());
  const std::string_view text(spoilt);
  cut = std::min(cut, text.size());
  if (drive.feed(text.substr(0, cut))) drive.feed(text.substr(cut));
  drive.end();
}

inline void fuzzH2Client(const std::string& input, size_t cut, uint64_t seed, const CodecLimits& limits,
                         H2Visited& visited) {
  CAPTURE(cut);
  CAPTURE(seed);
  ErraticClient owner(seed);
  h2::ClientCodec codec(owner, limits, false);
  owner.watch = [&] { visited.see(codec); };
  Drive<ErraticClient> drive(codec, owner);
  for (int i = 0; i < 3; ++i) {
    owner.open(codec);
    drive.between();
  }
  const std::string spoilt = mutated(input, cut, owner.dice());
  const std::string_view text(spoilt);
  cut = std::min(cut, text.size());
  if (drive.feed(text.substr(0, cut))) {
    owner.open(codec);
    if (owner.dice().roll(10) == 0) {
      codec.abandon();  // nothing is received after that
    } else {
      drive.feed(text.substr(cut));
    }
  }
  drive.end();
}

}  // namespace peerpulse::http::test
