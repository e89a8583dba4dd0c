// FakeHost: a folder that stands for the root of a host's files; removed with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "host_files.h"

namespace peerpulse::cli {

class FakeHost {
 public:
  FakeHost() {
    std::string path = (std::filesystem::temp_directory_path() / "peerpulse-host-XXXXXX").string();
    root_ = ::mkdtemp(path.data());
  }
  ~FakeHost() {
    std::error_code error;
    std::filesystem::remove_all(root_, error);
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  void link(const std::string& path, const std::string& to) const {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::filesystem::create_symlink(to, root_ + path);
  }
  HostFiles files() const { return HostFiles(root_); }

 private:
  std::string root_;
};

}  // namespace peerpulse::cli
