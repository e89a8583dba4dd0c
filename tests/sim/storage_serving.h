// What a StoragePeer has of each connection (Served) and of each request on it (Serving).
#pragma once

#include <list>
#include <memory>

#include "storage_peer.h"

namespace peerpulse::sim {

class StoragePeer::Served final : public event::DeferredDeletable,
                                  public wire::CodecConnectionOwner,
                                  public http::ServerCodecOwner {
 public:
  Served(StoragePeer& peer, std::unique_ptr<net::Transport> transport);
  ~Served() override;

  std::list<std::unique_ptr<Served>>::iterator self;

  void close(const char* why) { wire_.close(why); }
  void abort(const char* why) { wire_.abort(why); }
  /// GOAWAY, or Connection: close: what is on it goes on.
  void drain();
  void remove(Serving& request);
  StoragePeer& peer() { return peer_; }

 private:
  std::unique_ptr<http::Codec> createCodec(http::Preface preface) override;
  void onSettled() override;
  void onEnded(const wire::End& end) override;
  void onOutputReady() override { wire_.outputReady(); }
  http::Receiver* onRequest(http::ResponseStream& stream, http::RequestHead&& head) override;
  http::Receiver* onBadRequest(http::ResponseStream& stream, int status, std::string_view detail) override;

  StoragePeer& peer_;
  std::list<std::unique_ptr<Serving>> requests_;
  std::unique_ptr<event::Timer> idleTimer_;
  bool http2_ = false;
  wire::CodecConnection wire_;  // last: its codec's streams refer to the requests
};

class StoragePeer::Serving final : public event::DeferredDeletable, public http::Receiver {
 public:
  /// `entry` null: a request of nobody that counts, answered at once.
  Serving(Served& connection, http::ResponseStream& stream, const http::RequestHead& head, const RequestEntry* entry);
  ~Serving() override;

  std::list<std::unique_ptr<Serving>>::iterator self;
  void begin(bool http2, bool tunnel);

 private:
  enum class Fate : uint8_t { kServed, kRefused, kBrokenOff, kCutShort, kFailed, kNeverAnswered };

  void onData(Slice data) override;
  void onTrailers(http::HeaderList&&) override {}
  void onEnd() override;
  void onBodySent(size_t n) override;
  void onClosed() override;
  void onReset(http::ResetReason reason, std::string_view detail) override;

  Fate drawFate(bool http2);
  Duration serviceTime();
  void serve();
  void answer();
  void openTunnel();
  void sendHead(int status, uint64_t size);
  void pump();
  void finish(http::ResetReason reason);
  void over();
  TimePoint now() const { return peer_.loop_.now(); }
  RequestEntry& entry() { return peer_.ledger_.entry(id_); }

  Served& connection_;
  StoragePeer& peer_;
  http::ResponseStream* stream_;
  const uint32_t id_;  // 0: of nobody
  Wish wish_ = Wish::kGet;
  uint64_t size_ = 0;  // of the answer
  uint64_t sent_ = 0, acknowledged_ = 0;
  Fate fate_ = Fate::kServed;
  bool early_ = false, due_ = false, bodyEnded_ = false, answering_ = false;
  bool tunnel_ = false;  // asked for
  bool echoes_ = false;  // and given
  std::unique_ptr<event::Timer> timer_;
};

}  // namespace peerpulse::sim
