// ClientConnection: one connection of a local client, and its requests (ClientRequest), as its plan says.
//
// Threading: one thread. Ownership: owns its requests; destroyed by deferred deletion.
#pragma once

#include <list>
#include <memory>

#include "client_plan.h"
#include "local_client.h"
#include "peerpulse/http/codec.h"
#include "peerpulse/wire/codec_connection.h"

namespace peerpulse::sim {

class ClientRequest;

class ClientConnection final : public event::DeferredDeletable,
                               public wire::CodecConnectionOwner,
                               public http::ClientCodecOwner {
 public:
  ClientConnection(LocalClient& client, const ConnectionPlan& plan);
  ~ClientConnection() override;

  void stop();
  /// RST.
  void cutOff();
  /// Its request is over.
  void remove(ClientRequest& request);
  LocalClient& client() { return client_; }
  http::ClientCodec& codec() { return *codec_; }
  void outputReady() { wire_.outputReady(); }

 private:
  void onReady() override;
  void onSettled() override { ask(); }
  void onEnded(const wire::End& end) override;
  void onOutputReady() override { wire_.outputReady(); }
  void onCapacityChanged() override { wire_.outputReady(); }
  void onGoAway(uint32_t, std::string_view) override { left_ = 0; }
  void onPingAck(uint64_t) override {}

  std::unique_ptr<http::ClientCodec> makeCodec(bool http2);
  void ask();
  void beat();
  void askOnce();

  LocalClient& client_;
  const ConnectionPlan plan_;
  uint32_t left_;
  bool ready_ = false, thinking_ = false, asking_ = false;
  std::unique_ptr<event::Timer> timer_;
  std::list<std::unique_ptr<ClientRequest>> requests_;
  http::ClientCodec* codec_ = nullptr;
  wire::CodecConnection wire_;  // last: its codec's streams refer to the requests
};

class ClientRequest final : public event::DeferredDeletable, public http::ResponseReceiver {
 public:
  ClientRequest(ClientConnection& connection, const RequestPlan& plan);

  std::list<std::unique_ptr<ClientRequest>>::iterator self;
  void begin();

 private:
  void onInformational(http::ResponseHead&& head) override;
  void onHeaders(http::ResponseHead&& head) override;
  void onData(Slice data) override;
  void onTrailers(http::HeaderList&&) override {}
  void onEnd() override { complete_ = true; }
  void onBodySent(size_t n) override;
  void onClosed() override;
  void onReset(http::ResetReason reason, std::string_view detail) override;

  http::RequestHead makeHead() const;
  void write();
  void writePiece();
  void read();
  void strike();
  void over(ClientEnd how);
  bool tunnel() const { return plan_.wish == Wish::kTunnel; }
  TimePoint now() const { return host_.loop.now(); }
  RequestEntry& entry() { return host_.ledger.entry(id_); }

  ClientConnection& connection_;
  ClientHost& host_;
  const RequestPlan plan_;
  uint32_t id_ = 0;
  http::RequestStream* stream_ = nullptr;
  uint64_t written_ = 0, gone_ = 0;
  uint64_t unread_ = 0;  // given by the codec, and not given back
  bool writing_ = false, bodyEnded_ = false, complete_ = false;
  std::unique_ptr<event::Timer> writeTimer_, readTimer_, fate_;
};

}  // namespace peerpulse::sim
