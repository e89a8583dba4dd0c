// The h1 codecs back to back.
#pragma once

#include <memory>
#include <string>

#include "../test_peers.h"

namespace peerpulse::http::test {

struct H1Pair {
  explicit H1Pair(CodecLimits limits = {})
      : client(createH1ClientCodec(clientOwner, limits)), server(createH1ServerCodec(serverOwner, limits)) {}
  RequestStream& open(Recorder& r) {
    RequestStream& stream = client->openStream(r);
    r.stream = &stream;
    return stream;
  }
  Recorder& request(size_t i) { return *serverOwner.requests.at(i); }
  ClientOwner clientOwner;
  ServerOwner serverOwner;
  std::unique_ptr<ClientCodec> client;
  std::unique_ptr<Codec> server;
  Wire wire{*client, *server};
};

inline std::string produced(Codec& codec) {
  Buffer out;
  codec.produce(out, SIZE_MAX);
  return out.toString();
}

}  // namespace peerpulse::http::test
