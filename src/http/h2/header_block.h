// HeaderBlock: one h2 field section while nghttp2 decodes it, and its conversion to and from heads. Counts
// what RFC 9113 6.5.2 counts, because nghttp2 does not enforce SETTINGS_MAX_HEADER_LIST_SIZE.
//
// Threading: one thread. Ownership: values.
// Invariants: once over a limit nothing more is stored, however much is decoded to keep HPACK in step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "peerpulse/http/codec.h"
#include "peerpulse/http/message.h"

namespace peerpulse::http::h2 {

/// What the sections of one message have used up; a trailer section shares the header section's budget.
struct HeaderBudget {
  size_t size = 0;
  size_t count = 0;
};

enum class AddResult : uint8_t {
  kOk,
  kAbuse,  ///< so far over the limit that decoding on is not worth the CPU: end the connection
};

class HeaderBlock {
 public:
  explicit HeaderBlock(const CodecLimits& limits) : limits_(limits) {}

  /// Begins a section of a message that has used up `used`.
  void restart(HeaderBudget used);
  AddResult add(std::string_view name, std::string_view value);

  bool tooLarge() const { return tooLarge_; }
  /// As one that is too large: nothing of it is kept.
  void refuse();
  HeaderBudget used() const { return used_; }
  std::string_view method() const { return method_; }
  /// :protocol of an extended CONNECT (RFC 8441 4); empty without one.
  std::string_view protocol() const { return protocol_; }
  /// Something else than 100-continue is expected (RFC 9110 10.1.1).
  bool expectsUnknown() const { return expectsUnknown_; }
  /// -1 without a valid :status.
  int status() const { return status_; }
  /// Why no message may have this section, although HTTP/2 allows it; nullptr if it may. What HTTP/1 refuses does not
  /// pass in h2 either: the other side of the proxy may speak HTTP/1 (faults C1, C3).
  const char* fieldProblem() const { return problem_; }
  /// The same of a request's.
  const char* requestProblem() const;

  /// END_STREAM came with the section: the message is complete.
  void markComplete() { complete_ = true; }
  RequestHead takeRequest();
  ResponseHead takeResponse();
  /// Without the fields no trailer section may carry.
  HeaderList takeTrailers();

 private:
  const CodecLimits& limits_;
  HeaderBudget used_;
  bool tooLarge_ = false;
  bool expectsUnknown_ = false;
  bool complete_ = false;
  std::string method_;
  std::string scheme_;
  std::string authority_;
  std::string path_;
  std::string protocol_;
  int status_ = -1;
  std::string host_;
  size_t hosts_ = 0;
  std::string cookie_;
  size_t cookies_ = 0;
  std::optional<uint64_t> contentLength_;
  const char* problem_ = nullptr;
  HeaderList fields_;

  void addPseudo(std::string_view name, std::string_view value);
  void addField(std::string_view name, std::string_view value);
  void addLength(std::string_view value);
  HeaderList takeFields();
};

/// The fields of an outgoing section. The views must outlive the nghttp2 call, which copies and lower-cases.
class FieldArray {
 public:
  void add(std::string_view name, std::string_view value);
  /// Adds `headers` without connection-specific fields and without Host (it travels as :authority). `keepLength`: whether
  /// content-length stays.
  void addHeaders(const HeaderList& headers, bool keepLength = true);
  void addTrailers(const HeaderList& trailers);
  void clear() { fields_.clear(); }
  const nghttp2_nv* data() const { return fields_.data(); }
  size_t size() const { return fields_.size(); }

 private:
  std::vector<nghttp2_nv> fields_;
};

}  // namespace peerpulse::http::h2
