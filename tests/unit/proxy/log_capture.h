// The log lines that are written while it lives.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "peerpulse/log/log.h"

namespace peerpulse::proxy::test {

class LogCapture {
 public:
  LogCapture() {
    char path[] = "/tmp/peerpulse-proxy-XXXXXX";
    REQUIRE(::mkdtemp(path) != nullptr);
    directory_ = path;
    log::Options options;
    options.file = file();
    REQUIRE(log::start(options));
  }
  ~LogCapture() {
    stop();
    ::unlink(file().c_str());
    ::rmdir(directory_.c_str());
  }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  /// Ends it, and returns what it got.
  std::vector<std::string> lines() {
    stop();
    std::ifstream in(file());
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);)
      all.push_back(line);
    return all;
  }

 private:
  std::string file() const { return directory_ + "/log"; }
  void stop() {
    if (!stopped_) log::stop();
    stopped_ = true;
  }

  std::string directory_;
  bool stopped_ = false;
};

inline bool has(const std::string& line, const std::string& text) { return line.find(text) != std::string::npos; }

}  // namespace peerpulse::proxy::test
