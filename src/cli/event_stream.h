// EventStream: text/event-stream (WHATWG HTML 9.2.6) in, the data of whole events out.
//
// Threading: none. Bounds: an event of kMaxEvent; what is longer is dropped.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace peerpulse::cli {

class EventStream {
 public:
  static constexpr size_t kMaxEvent = size_t{1} << 20;

  /// `onEvent` gets each event's data.
  void feed(std::string_view text, const std::function<void(const std::string& data)>& onEvent);
  /// Of the last event that had one: where to go on.
  const std::string& lastId() const { return lastId_; }

 private:
  void line(std::string_view text, const std::function<void(const std::string& data)>& onEvent);

  std::string partial_;
  std::string data_;
  std::string id_;
  std::string lastId_;
};

}  // namespace peerpulse::cli
