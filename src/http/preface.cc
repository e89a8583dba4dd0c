#include <algorithm>

#include "peerpulse/base/assert.h"
#include "peerpulse/http/codec.h"

namespace peerpulse::http {

Preface detectPreface(std::string_view firstBytes) {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const size_t n = std::min(firstBytes.size(), kPreface.size());
  if (firstBytes.substr(0, n) != kPreface.substr(0, n)) return Preface::kHttp1;
  return n == kPreface.size() ? Preface::kHttp2 : Preface::kNeedMore;
}

std::unique_ptr<Codec> createServerCodec(Preface preface, ServerCodecOwner& owner, const CodecLimits& limits) {
  PP_ASSERT(preface != Preface::kNeedMore);
  return preface == Preface::kHttp2 ? createH2ServerCodec(owner, limits) : createH1ServerCodec(owner, limits);
}

}  // namespace peerpulse::http
