// The same listener speaks HTTP/2 with prior knowledge; driven by our own client codec over a blocking
// socket.
#include <memory>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "fixture.h"
#include "peerpulse/http/codec.h"

using namespace peerpulse;
using namespace peerpulse::admin::test;

namespace {

class H2Client : public http::ClientCodecOwner, public http::ResponseReceiver {
 public:
  explicit H2Client(const SocketAddress& address)
      : socket_(address), codec_(http::createH2ClientCodec(*this, http::CodecLimits())) {}

  void get(const std::string& path, const std::string& authority) {
    http::RequestHead head;
    head.method = "GET";
    head.authority = authority;
    head.path = path;
    codec_->openStream(*this).sendHeaders(head, true);
    size_t fed = 0;
    socket_.readUntil([&](const std::string& all) {
      if (all.size() > fed) CHECK(codec_->receive(Slice::copyOf(std::string_view(all).substr(fed))).has_value());
      fed = all.size();
      Buffer out;
      codec_->produce(out, 1 << 20);
      if (!out.empty()) socket_.send(out.toString());
      return closed;
    });
  }

  int status = 0;
  std::string body;
  bool closed = false;

 private:
  void onOutputReady() override {}
  void onCapacityChanged() override {}
  void onGoAway(uint32_t, std::string_view) override {}
  void onPingAck(uint64_t) override {}
  void onInformational(http::ResponseHead&&) override {}
  void onHeaders(http::ResponseHead&& head) override { status = head.status; }
  void onData(Slice data) override { body += data.view(); }
  void onTrailers(http::HeaderList&&) override {}
  void onEnd() override {}
  void onBodySent(size_t) override {}
  void onClosed() override { closed = true; }
  void onReset(http::ResetReason, std::string_view) override { closed = true; }

  Client socket_;
  std::unique_ptr<http::ClientCodec> codec_;
};

}  // namespace

TEST_CASE("HTTP/2 with prior knowledge") {
  Fixture f;
  f.setAllAlive();
  H2Client client(f.address());
  client.get("/cluster", f.host());
  CHECK(client.status == 200);
  CHECK(nlohmann::json::parse(client.body)["online"] == 4);
}
