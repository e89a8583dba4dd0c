// Goal: a token comes from its file as it is meant, and one that could be guessed is refused at the start.
#include "peerpulse/admin/token.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace peerpulse;
using admin::readToken;

namespace {

struct File {
  explicit File(const std::string& content) {
    const int fd = ::mkstemp(path);
    REQUIRE(fd >= 0);
    ::close(fd);
    std::ofstream(path) << content;
  }
  ~File() { std::remove(path); }
  char path[32] = "/tmp/peerpulse-token-XXXXXX";
};

}  // namespace

TEST_CASE("token: white space around it is none of it") {
  CHECK(*readToken(File(" 0123456789abcdef\n").path) == "0123456789abcdef");
}

TEST_CASE("token: what cannot be read, is short, long or no word is an error that names the file") {
  CHECK(readToken("/nonexistent/token").error().message.find("/nonexistent/token") != std::string::npos);
  for (const std::string& content : {std::string(), std::string("\n"), std::string("0123456789abcde"),
                                     std::string(2000, 'x'), std::string("0123456789 abcdef"),
                                     std::string("0123456789\x80"
                                                 "abcdef")}) {
    const File file(content);
    const auto token = readToken(file.path);
    REQUIRE_FALSE(token.has_value());
    CHECK(token.error().message.find(file.path) != std::string::npos);
  }
}
