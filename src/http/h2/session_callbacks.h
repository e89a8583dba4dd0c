// The C callbacks of nghttp2, each handing on to a Session method.
#pragma once

#include <nghttp2/nghttp2.h>

#include "session.h"

namespace peerpulse::http::h2 {

struct SessionCallbacks {
  /// Never fails except for want of memory, which ends the process.
  static nghttp2_session* create(Session& session, bool server, const nghttp2_option* option);
  static ssize_t readBody(nghttp2_session* native, int32_t id, uint8_t* buffer, size_t length, uint32_t* flags,
                          nghttp2_data_source* source, void* user);
};

}  // namespace peerpulse::http::h2
