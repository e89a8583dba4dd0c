// HostFiles: reads this host's own files (/proc, /etc), or those below another root (tests).
//
// Threading: const functions, any thread. Errors: what cannot be read is not there. Bounds: kMaxFile of a file.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace peerpulse::cli {

class HostFiles {
 public:
  static constexpr size_t kMaxFile = size_t{4} << 20;

  explicit HostFiles(std::string root = "") : root_(std::move(root)) {}

  std::optional<std::string> read(const std::string& path) const;
  /// Names in a folder, sorted.
  std::vector<std::string> list(const std::string& folder) const;
  bool exists(const std::string& path) const;

 private:
  std::string root_;
};

}  // namespace peerpulse::cli
