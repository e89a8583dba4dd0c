// The h2 codecs back to back, their SETTINGS exchanged.
#pragma once

#include <memory>

#include "../test_peers.h"

namespace peerpulse::http::test {

struct H2Pair {
  explicit H2Pair(CodecLimits limits = {})
      : client(createH2ClientCodec(clientOwner, limits)), server(createH2ServerCodec(serverOwner, limits)) {
    wire.run();
  }
  RequestStream& open(Recorder& r) {
    RequestStream& stream = client->openStream(r);
    r.stream = &stream;
    return stream;
  }
  ClientOwner clientOwner;
  ServerOwner serverOwner;
  std::unique_ptr<ClientCodec> client;
  std::unique_ptr<Codec> server;
  Wire wire{*client, *server};
};

}  // namespace peerpulse::http::test
