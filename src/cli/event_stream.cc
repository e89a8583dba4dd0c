#include "event_stream.h"

#include <algorithm>

namespace peerpulse::cli {

void EventStream::feed(std::string_view text, const std::function<void(const std::string& data)>& onEvent) {
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    partial_ += text.substr(0, end);
    if (partial_.ends_with('\r')) partial_.pop_back();
    line(partial_, onEvent);
    partial_.clear();
    text.remove_prefix(end + 1);
  }
  if (partial_.size() + text.size() <= kMaxEvent) partial_ += text;
}

void EventStream::line(std::string_view text, const std::function<void(const std::string& data)>& onEvent) {
  if (text.empty()) {
    if (!id_.empty()) lastId_ = id_;
    if (!data_.empty()) onEvent(data_);
    data_.clear();
    id_.clear();
    return;
  }
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string_view field = text.substr(0, colon);
  std::string_view value = text.substr(std::min(colon + 1, text.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "id") id_ = value;
  if (field != "data" || data_.size() + value.size() > kMaxEvent) return;
  if (!data_.empty()) data_ += '\n';
  data_ += value;
}

}  // namespace peerpulse::cli
