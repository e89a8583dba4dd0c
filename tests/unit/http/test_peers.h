// Receivers and owners that write down what codecs tell them, and a wire that joins two codecs in memory.
//
// Threading: one thread. Ownership: an owner keeps its recorders until it goes; streams stay the codec's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "peerpulse/base/buffer.h"
#include "peerpulse/http/codec.h"

namespace peerpulse::http::test {

/// The calls of one stream, each as one word in `log`: "head:200", "data:5", "trailers", "end", "sent:5",
/// "closed", "reset:cancel".
class Recorder : public ResponseReceiver {
 public:
  std::vector<std::string> log;
  std::string body;
  std::vector<Slice> slices;
  HeaderList trailers;
  RequestHead request;
  ResponseHead response;
  std::string resetDetail;
  size_t received = 0;
  size_t bodySent = 0;
  bool keepBody = true;
  Stream* stream = nullptr;
  ResponseStream* answer = nullptr;
  // Hooks run after the call was written down.
  std::function<void(Recorder&)> onHeadHook;
  std::function<void(Recorder&, size_t)> onDataHook;
  std::function<void(Recorder&)> onTrailersHook;
  std::function<void(Recorder&)> onEndHook;
  std::function<void(Recorder&, size_t)> onSentHook;

  void onInformational(ResponseHead&& head) override { log.push_back("1xx:" + std::to_string(head.status)); }
  void onHeaders(ResponseHead&& head) override {
    response = std::move(head);
    log.push_back("head:" + std::to_string(response.status));
    if (onHeadHook) onHeadHook(*this);
  }
  void onData(Slice data) override {
    const size_t n = data.size();
    received += n;
    if (log.empty() || log.back() != "data") log.push_back("data");
    if (keepBody) body.append(data.view());
    slices.push_back(std::move(data));
    if (!keepBody) slices.clear();
    if (onDataHook) onDataHook(*this, n);
  }
  void onTrailers(HeaderList&& list) override {
    trailers = std::move(list);
    log.push_back("trailers");
    if (onTrailersHook) onTrailersHook(*this);
  }
  void onEnd() override {
    log.push_back("end");
    if (onEndHook) onEndHook(*this);
  }
  void onBodySent(size_t n) override {
    bodySent += n;
    if (onSentHook) onSentHook(*this, n);
  }
  void onClosed() override { finish("closed"); }
  void onReset(ResetReason reason, std::string_view detail) override {
    resetDetail = detail;
    finish(std::string("reset:") + toString(reason));
  }

  std::string text() const {
    std::string all;
    for (const auto& word : log)
      all += (all.empty() ? "" : " ") + word;
    return all;
  }
  bool gone() const { return stream == nullptr; }

 private:
  void finish(std::string word) {
    log.push_back(std::move(word));
    stream = nullptr;
    answer = nullptr;
  }
};

class ServerOwner : public ServerCodecOwner {
 public:
  std::vector<std::unique_ptr<Recorder>> requests;
  int outputReady = 0;
  /// Called for each new request (also bad ones), after its head was written down.
  std::function<void(Recorder&)> onNew;
  /// Also answer bad requests with their status and no body.
  bool answerBad = true;

  void onOutputReady() override { ++outputReady; }
  Receiver* onRequest(ResponseStream& stream, RequestHead&& head) override {
    Recorder& r = add(stream);
    r.request = std::move(head);
    r.log.push_back(r.request.method + " " + r.request.path);
    if (onNew) onNew(r);
    return &r;
  }
  Receiver* onBadRequest(ResponseStream& stream, int status, std::string_view detail) override {
    Recorder& r = add(stream);
    r.log.push_back("bad:" + std::to_string(status));
    r.resetDetail = detail;
    if (answerBad) {
      ResponseHead head;
      head.status = status;
      head.headers.add("content-length", "0");
      head.contentLength = 0;
      stream.sendHeaders(head, true);
    }
    return &r;
  }
  std::string text() const {
    std::string all;
    for (const auto& r : requests)
      all += (all.empty() ? "" : " | ") + r->text();
    return all;
  }

 private:
  Recorder& add(ResponseStream& stream) {
    requests.push_back(std::make_unique<Recorder>());
    requests.back()->stream = &stream;
    requests.back()->answer = &stream;
    return *requests.back();
  }
};

class ClientOwner : public ClientCodecOwner {
 public:
  int capacityChanges = 0;
  std::vector<std::pair<uint32_t, std::string>> goAways;
  std::vector<uint64_t> pingAcks;

  void onOutputReady() override {}
  void onCapacityChanged() override { ++capacityChanges; }
  void onGoAway(uint32_t code, std::string_view debug) override { goAways.emplace_back(code, debug); }
  void onPingAck(uint64_t payload) override { pingAcks.push_back(payload); }
};

/// The whole of `buffer` as one slice over one block, as a socket read would give it.
inline Slice asOneRead(Buffer& buffer) {
  const std::string bytes = buffer.toString();
  buffer.clear();
  return Slice::copyOf(bytes);
}

/// Moves bytes between two codecs until neither has any more. Honours wantsRead().
class Wire {
 public:
  Wire(Codec& client, Codec& server) : client_(client), server_(server) {}

  void run() {
    for (bool moved = true; moved;)
      moved = step();
  }
  /// One exchange of at most `limit` bytes each way; false when nothing moved.
  bool step(size_t limit = 64 * 1024) {
    const bool there = move(client_, server_, toServer_, limit, clientError);
    const bool back = move(server_, client_, toClient_, limit, serverError);
    return there || back;
  }

  std::string clientError;  ///< what the server said of the client's bytes
  std::string serverError;

 private:
  static bool move(Codec& from, Codec& to, Buffer& wire, size_t limit, std::string& error) {
    from.produce(wire, limit);
    if (wire.empty() || !to.wantsRead()) return false;
    const Result<void> result = to.receive(asOneRead(wire));
    if (!result) error = result.error().message;
    return true;
  }

  Codec& client_;
  Codec& server_;
  Buffer toServer_;
  Buffer toClient_;
};

inline RequestHead makeRequest(std::string method, std::string path) {
  RequestHead head;
  head.method = std::move(method);
  head.path = std::move(path);
  head.authority = "peer:9000";
  return head;
}

inline ResponseHead makeResponse(int status) {
  ResponseHead head;
  head.status = status;
  return head;
}

}  // namespace peerpulse::http::test
