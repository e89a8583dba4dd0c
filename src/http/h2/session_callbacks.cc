#include "session_callbacks.h"

#include <string_view>

#include "peerpulse/base/assert.h"

namespace peerpulse::http::h2 {
namespace {

Session& sessionOf(void* user) { return *static_cast<Session*>(user); }

std::string_view textOf(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

}  // namespace

nghttp2_data_provider Session::bodyProvider() {
  nghttp2_data_provider provider{};
  provider.read_callback = SessionCallbacks::readBody;
  return provider;
}

ssize_t SessionCallbacks::readBody(nghttp2_session*, int32_t id, uint8_t*, size_t length, uint32_t* flags,
                                   nghttp2_data_source*, void* user) {
  return sessionOf(user).readBody(id, length, flags);
}

nghttp2_session* SessionCallbacks::create(Session& session, bool server, const nghttp2_option* option) {
  nghttp2_session_callbacks* callbacks = nullptr;
  PP_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);
  nghttp2_session_callbacks_set_on_begin_frame_callback(
      callbacks,
      [](nghttp2_session*, const nghttp2_frame_hd* head, void* user) { return sessionOf(user).onBeginFrame(*head); });
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        return sessionOf(user).onBeginHeaders(*frame);
      });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t nameSize,
                    const uint8_t* value, size_t valueSize, uint8_t, void* user) {
        return sessionOf(user).onHeader(textOf(name, nameSize), textOf(value, valueSize));
      });
  // nghttp2 would skip a field with illegal characters; we refuse the message (faults C1).
  nghttp2_session_callbacks_set_on_invalid_header_callback(
      callbacks,
      [](nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t, const uint8_t*, size_t, uint8_t,
         void*) -> int { return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks,
      [](nghttp2_session*, const nghttp2_frame* frame, void* user) { return sessionOf(user).onFrame(*frame); });
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame*, int code, void* user) {
        Session& s = sessionOf(user);
        if (s.lastProblem_.empty()) s.lastProblem_ = nghttp2_strerror(code);
        return s.spend(Glitch::kReset);
      });
  nghttp2_session_callbacks_set_unpack_extension_callback(
      callbacks, [](nghttp2_session*, void**, const nghttp2_frame_hd*, void* user) -> int {
        const int spent = sessionOf(user).spend(Glitch::kUnknown);
        return spent != 0 ? spent : int{NGHTTP2_ERR_CANCEL};  // ignored (RFC 9113 5.5)
      });
  nghttp2_session_callbacks_set_error_callback2(callbacks,
                                                [](nghttp2_session*, int, const char* text, size_t size, void* user) {
                                                  sessionOf(user).lastProblem_.assign(text, size);
                                                  return 0;
                                                });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* at, size_t size, void* user) {
        return sessionOf(user).onData(id, at, size);
      });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      callbacks,
      [](nghttp2_session*, const nghttp2_frame* frame, void* user) { return sessionOf(user).onFrameSent(*frame); });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks,
      [](nghttp2_session*, int32_t id, uint32_t code, void* user) { return sessionOf(user).onClose(id, code); });
  nghttp2_session_callbacks_set_send_data_callback(
      callbacks,
      [](nghttp2_session*, nghttp2_frame* frame, const uint8_t* frameHead, size_t length, nghttp2_data_source*,
         void* user) { return sessionOf(user).sendBody(frame->hd.stream_id, frameHead, length); });
  nghttp2_session_callbacks_set_data_source_read_length_callback(
      callbacks,
      [](nghttp2_session*, uint8_t, int32_t, int32_t connectionWindow, int32_t streamWindow, uint32_t maxFrame,
         void* user) { return sessionOf(user).frameLength(connectionWindow, streamWindow, maxFrame); });
  nghttp2_session* native = nullptr;
  const int rv = server ? nghttp2_session_server_new2(&native, callbacks, &session, option)
                        : nghttp2_session_client_new2(&native, callbacks, &session, option);
  nghttp2_session_callbacks_del(callbacks);
  PP_ASSERT(rv == 0);
  return native;
}

}  // namespace peerpulse::http::h2
