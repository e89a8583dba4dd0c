#include "header_block.h"

#include "../field_rules.h"
#include "../target_rules.h"

namespace peerpulse::http::h2 {
namespace {

constexpr size_t kFieldOverhead = 32;
constexpr size_t kAbuseFactor = 16;

}  // namespace

void HeaderBlock::restart(HeaderBudget used) {
  used_ = used;
  tooLarge_ = expectsUnknown_ = complete_ = false;
  for (std::string* text : {&method_, &scheme_, &authority_, &path_, &protocol_, &host_, &cookie_})
    text->clear();
  status_ = -1;
  hosts_ = cookies_ = 0;
  contentLength_.reset();
  problem_ = nullptr;
  fields_ = HeaderList();
}

AddResult HeaderBlock::add(std::string_view name, std::string_view value) {
  const size_t size = name.size() + value.size() + kFieldOverhead;
  const bool pseudo = !name.empty() && name.front() == ':';
  used_.size += size;
  if (!pseudo) ++used_.count;
  if (used_.size > limits_.maxHeaderListSize || used_.count > limits_.maxHeaderCount ||
      name.size() + value.size() > limits_.maxHeaderFieldSize) {
    refuse();
  }
  if (used_.size > limits_.maxHeaderListSize * kAbuseFactor) return AddResult::kAbuse;
  if (pseudo && !(tooLarge_ && value.size() > limits_.maxHeaderFieldSize)) {
    addPseudo(name, value);
    return AddResult::kOk;
  }
  if (tooLarge_) return AddResult::kOk;
  addField(name, value);
  return AddResult::kOk;
}

void HeaderBlock::refuse() {
  tooLarge_ = true;
  fields_ = HeaderList();
  std::string().swap(cookie_);  // an assignment would keep its memory
}

void HeaderBlock::addField(std::string_view name, std::string_view value) {
  switch (kindOf(name)) {
    case FieldKind::kHost:
      ++hosts_;
      host_ = value;
      return;
    case FieldKind::kCookie:
      // Crumbs are one field outside of h2 (RFC 9113 8.2.3).
      ++cookies_;
      if (!cookie_.empty() && !value.empty()) cookie_.append("; ");
      cookie_.append(value);
      if (cookie_.size() > limits_.maxHeaderFieldSize) refuse();  // no crumb is, the field that they make is
      return;
    case FieldKind::kContentLength: addLength(value); break;
    case FieldKind::kExpect:
      if (!equalsIgnoreCase(value, "100-continue")) expectsUnknown_ = true;
      break;
    case FieldKind::kImitation: problem_ = "field name imitates a framing field"; break;
    default: break;
  }
  fields_.add(name, value);
}

void HeaderBlock::addLength(std::string_view value) {
  contentLength_ = parseDigits(value);
  if (!contentLength_ || (value.size() > 1 && value.front() == '0')) problem_ = "malformed content-length";
}

void HeaderBlock::addPseudo(std::string_view name, std::string_view value) {
  if (name == ":method") {
    method_ = value;
  } else if (name == ":scheme") {
    scheme_ = value;
  } else if (name == ":authority") {
    authority_ = value;
  } else if (name == ":path") {
    path_ = value;
  } else if (name == ":protocol") {
    protocol_ = value;
  } else if (name == ":status") {
    const auto digits = value.size() == 3 ? parseDigits(value) : std::nullopt;
    status_ = digits && *digits >= 100 && *digits <= 599 ? static_cast<int>(*digits) : -1;
  }
}

const char* HeaderBlock::requestProblem() const {
  if (problem_ != nullptr) return problem_;
  if (hosts_ > 1) return "several Host fields";
  if (hosts_ == 1 && !authority_.empty() && !equalsIgnoreCase(host_, authority_))
    return "Host differs from :authority";
  if (!isAuthority(authority_.empty() ? host_ : authority_)) return "malformed authority";
  return pathProblem(path_, method_);
}

HeaderList HeaderBlock::takeFields() {
  if (cookies_ > 0) fields_.add("cookie", cookie_);
  return std::move(fields_);
}

RequestHead HeaderBlock::takeRequest() {
  RequestHead head;
  head.method = std::move(method_);
  head.scheme = std::move(scheme_);
  head.authority = authority_.empty() ? std::move(host_) : std::move(authority_);
  head.path = std::move(path_);
  head.upgrade = std::move(protocol_);
  head.headers = takeFields();
  head.version = Version::kHttp2;
  head.contentLength = contentLength_;
  head.complete = complete_;
  return head;
}

ResponseHead HeaderBlock::takeResponse() {
  ResponseHead head;
  head.status = status_;
  head.headers = takeFields();
  head.contentLength = contentLength_;
  head.complete = complete_;
  return head;
}

HeaderList HeaderBlock::takeTrailers() {
  HeaderList kept;
  for (size_t i = 0; i < fields_.count(); ++i) {
    const HeaderField field = fields_.at(i);
    if (!isForbiddenTrailer(kindOf(field.name))) kept.add(field.name, field.value);
  }
  return kept;
}

void FieldArray::add(std::string_view name, std::string_view value) {
  // nghttp2 copies both (flags NONE); its struct merely lacks const.
  auto* n = const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(name.data()));
  auto* v = const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(value.data()));
  fields_.push_back({n, v, name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

void FieldArray::addHeaders(const HeaderList& headers, bool keepLength) {
  fields_.reserve(fields_.size() + headers.count());
  for (size_t i = 0; i < headers.count(); ++i) {
    const HeaderField field = headers.at(i);
    if (field.name.empty() || field.name.front() == ':') continue;
    const FieldKind kind = kindOf(field.name);
    if (isConnectionField(kind) || kind == FieldKind::kHost) continue;
    if (kind == FieldKind::kContentLength && !keepLength) continue;
    if (kind == FieldKind::kTe && !equalsIgnoreCase(field.value, "trailers")) continue;
    add(field.name, field.value);
  }
}

void FieldArray::addTrailers(const HeaderList& trailers) {
  for (size_t i = 0; i < trailers.count(); ++i) {
    const HeaderField field = trailers.at(i);
    if (field.name.empty() || field.name.front() == ':' || isForbiddenTrailer(kindOf(field.name))) continue;
    add(field.name, field.value);
  }
}

}  // namespace peerpulse::http::h2
