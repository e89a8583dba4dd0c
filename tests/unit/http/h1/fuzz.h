// Runs an input of the wire catalogue through the h1 codecs again: cut and spoilt at every byte, with erratic
// users on our side. Nothing is expected but that no assertion of the codecs falls and that every stream ends once.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "../erratic.h"
#include "h1/client_codec.h"
#include "h1/server_codec.h"

namespace peerpulse::http::test {

/// The states that were seen.
struct H1Visited {
  std::set<h1::Life> life;
  std::set<h1::Incoming> incoming;
  std::set<h1::Outgoing> outgoing;
  void see(const h1::States& states) {
    life.insert(states.life);
    incoming.insert(states.incoming);
    outgoing.insert(states.outgoing);
  }
};

inline void fuzzH1Server(const std::string& input, size_t cut, uint64_t seed, const CodecLimits& limits,
                         H1Visited& visited) {
  CAPTURE(cut);
  CAPTURE(seed);
  ErraticServer owner(seed);
  h1::ServerCodec codec(owner, limits);
  owner.watch = [&] { visited.see(codec.states()); };
  Drive<ErraticServer> drive(codec, owner);
  const std::string spoilt = mutated(input, cut, owner.dice());
  const std::string_view text(spoilt);
  cut = std::min(cut, text.size());
  if (drive.feed(text.substr(0, cut))) drive.feed(text.substr(cut));
  drive.end();
}

inline void fuzzH1Client(const std::string& input, size_t cut, uint64_t seed, const CodecLimits& limits,
                         H1Visited& visited) {
  CAPTURE(cut);
  CAPTURE(seed);
  ErraticClient owner(seed);
  h1::ClientCodec codec(owner, limits);
  owner.watch = [&] { visited.see(codec.states()); };
  Drive<ErraticClient> drive(codec, owner);
  owner.open(codec);
  for (int i = 0; i < 3; ++i)
    drive.between();
  const std::string spoilt = mutated(input, cut, owner.dice());
  const std::string_view text(spoilt);
  cut = std::min(cut, text.size());
  if (drive.feed(text.substr(0, cut))) {
    owner.open(codec);
    drive.feed(text.substr(cut));
  }
  drive.end();
}

}  // namespace peerpulse::http::test
