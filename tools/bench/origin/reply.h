// What the origin answers: GET /bytes/N has a body of N bytes, PUT /bytes/N takes one of N bytes.
//
// Threading: one thread. A Reply shares the memory of its body with all others.
#pragma once

#include <cstddef>
#include <string_view>

#include "peerpulse/base/slice.h"

namespace peerpulse::bench {

struct Reply {
  int status = 200;
  Slice body;
};

class ReplyMaker {
 public:
  static constexpr size_t kMaxBody = 16 * 1024 * 1024;

  ReplyMaker();
  /// The answer to a whole request, with a body of `received` bytes. 400 for a PUT of another size than its path says,
  /// 404 and 405 for what is neither.
  Reply answer(std::string_view method, std::string_view path, size_t received) const;

 private:
  Slice bytes_;  // kMaxBody of them
};

}  // namespace peerpulse::bench
