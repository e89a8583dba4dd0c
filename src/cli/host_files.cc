#include "host_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace peerpulse::cli {

std::optional<std::string> HostFiles::read(const std::string& path) const {
  std::ifstream file(root_ + path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text;
  std::string block(4096, '\0');
  while (text.size() < kMaxFile) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    text.append(block.data(), static_cast<size_t>(file.gcount()));
    if (!file) break;
  }
  if (file.bad()) return std::nullopt;
  return text;
}

std::vector<std::string> HostFiles::list(const std::string& folder) const {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(root_ + folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool HostFiles::exists(const std::string& path) const {
  std::error_code error;
  return std::filesystem::symlink_status(root_ + path, error).type() > std::filesystem::file_type::not_found;
}

}  // namespace peerpulse::cli
