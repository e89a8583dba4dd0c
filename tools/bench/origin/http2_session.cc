#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>

#include <nghttp2/nghttp2.h>

#include "session.h"

namespace peerpulse::bench {

namespace {

// No proxy ever waits for a window of the origin's.
constexpr uint32_t kWindow = 64 * 1024 * 1024;
constexpr uint32_t kMaxStreams = 1024;
constexpr size_t kFrameHeadSize = 9;

struct Stream {
  std::string method;
  std::string path;
  size_t received = 0;
  Slice body;  // of the answer: what is not yet in a frame
};

nghttp2_nv field(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) { return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())); };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// nghttp2 does the protocol (PING, windows, SETTINGS); the bodies of answers go out without a copy.
class Http2Session : public Session {
 public:
  explicit Http2Session(const ReplyMaker& replies);
  ~Http2Session() override { nghttp2_session_del(session_); }
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  bool receive(std::string_view bytes) override;
  bool produce(Buffer& output, size_t limit) override;

 private:
  static nghttp2_session_callbacks* callbacks();
  static Stream* streamOf(nghttp2_session* session, int32_t id) {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int onBeginHeaders(nghttp2_session*, const nghttp2_frame*, void*);
  static int onHeader(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t, const uint8_t*, size_t, uint8_t,
                      void*);
  static int onDataChunk(nghttp2_session*, uint8_t, int32_t, const uint8_t*, size_t, void*);
  static int onFrame(nghttp2_session*, const nghttp2_frame*, void*);
  static int onStreamClose(nghttp2_session*, int32_t, uint32_t, void*);
  static ssize_t onRead(nghttp2_session*, int32_t, uint8_t*, size_t, uint32_t*, nghttp2_data_source*, void*);
  static int onSendData(nghttp2_session*, nghttp2_frame*, const uint8_t*, size_t, nghttp2_data_source*, void*);
  static ssize_t onSend(nghttp2_session*, const uint8_t*, size_t, int, void*);

  int answer(int32_t id, Stream& stream);

  const ReplyMaker& replies_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, Stream> streams_;
  Buffer* output_ = nullptr;  // during produce()
  size_t limit_ = 0;
};

nghttp2_session_callbacks* Http2Session::callbacks() {
  static nghttp2_session_callbacks* const made = [] {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onDataChunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onStreamClose);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, onSendData);
    nghttp2_session_callbacks_set_send_callback(callbacks, onSend);
    return callbacks;
  }();
  return made;
}

Http2Session::Http2Session(const ReplyMaker& replies) : replies_(replies) {
  nghttp2_session_server_new(&session_, callbacks(), this);
  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMaxStreams}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow);
}

bool Http2Session::receive(std::string_view bytes) {
  return nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) >= 0;
}

bool Http2Session::produce(Buffer& output, size_t limit) {
  output_ = &output;
  limit_ = limit;
  return nghttp2_session_send(session_) == 0;
}

int Http2Session::onBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  const int32_t id = frame->hd.stream_id;
  return nghttp2_session_set_stream_user_data(session, id, &static_cast<Http2Session*>(self)->streams_[id]);
}

int Http2Session::onHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                           size_t nameLength, const uint8_t* value, size_t valueLength, uint8_t, void*) {
  Stream* stream = streamOf(session, frame->hd.stream_id);
  if (stream == nullptr) return 0;
  const std::string_view field(reinterpret_cast<const char*>(name), nameLength);
  const std::string_view text(reinterpret_cast<const char*>(value), valueLength);
  if (field == ":method") stream->method = text;
  if (field == ":path") stream->path = text;
  return 0;
}

int Http2Session::onDataChunk(nghttp2_session* session, uint8_t, int32_t id, const uint8_t*, size_t size, void*) {
  if (Stream* stream = streamOf(session, id)) stream->received += size;
  return 0;
}

int Http2Session::onFrame(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  Stream* stream = streamOf(session, frame->hd.stream_id);
  return stream == nullptr ? 0 : static_cast<Http2Session*>(self)->answer(frame->hd.stream_id, *stream);
}

int Http2Session::answer(int32_t id, Stream& stream) {
  Reply reply = replies_.answer(stream.method, stream.path, stream.received);
  stream.body = std::move(reply.body);
  const std::string status = std::to_string(reply.status);
  const std::string length = std::to_string(stream.body.size());
  const std::array<nghttp2_nv, 3> head = {
      {field(":status", status), field("content-type", "application/octet-stream"), field("content-length", length)}};
  nghttp2_data_provider provider{};
  provider.source.ptr = &stream;
  provider.read_callback = onRead;
  return nghttp2_submit_response(session_, id, head.data(), head.size(), stream.body.empty() ? nullptr : &provider);
}

int Http2Session::onStreamClose(nghttp2_session*, int32_t id, uint32_t, void* self) {
  static_cast<Http2Session*>(self)->streams_.erase(id);
  return 0;
}

ssize_t Http2Session::onRead(nghttp2_session*, int32_t, uint8_t*, size_t length, uint32_t* flags,
                             nghttp2_data_source* source, void*) {
  const size_t left = static_cast<Stream*>(source->ptr)->body.size();
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (left <= length) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(std::min(left, length));
}

int Http2Session::onSendData(nghttp2_session*, nghttp2_frame*, const uint8_t* frameHead, size_t length,
                             nghttp2_data_source* source, void* self) {
  const auto session = static_cast<Http2Session*>(self);
  if (session->output_->size() >= session->limit_) return NGHTTP2_ERR_WOULDBLOCK;
  Slice& body = static_cast<Stream*>(source->ptr)->body;
  session->output_->append({reinterpret_cast<const char*>(frameHead), kFrameHeadSize});
  session->output_->append(body.sub(0, length));
  body.removePrefix(length);
  return 0;
}

ssize_t Http2Session::onSend(nghttp2_session*, const uint8_t* bytes, size_t length, int, void* self) {
  const auto session = static_cast<Http2Session*>(self);
  if (session->output_->size() >= session->limit_) return NGHTTP2_ERR_WOULDBLOCK;
  session->output_->append({reinterpret_cast<const char*>(bytes), length});
  return static_cast<ssize_t>(length);
}

}  // namespace

std::unique_ptr<Session> createHttp2Session(const ReplyMaker& replies) {
  return std::make_unique<Http2Session>(replies);
}

}  // namespace peerpulse::bench
