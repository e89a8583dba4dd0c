// A DNS server for tests: UDP on a port of the loopback that the system picks, and answers as the test says. Its thread ends
// with it.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <cstdint>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/assert.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::dns {

class DnsServer {
 public:
  static constexpr uint16_t kA = 1, kAaaa = 28;
  struct Reply {
    bool silent = false;
    uint8_t rcode = 0;
    std::vector<std::string> addresses;  ///< without port
    uint32_t ttl = 60;
    bool otherQuestion = false;
  };
  using Script = std::function<Reply(uint16_t type)>;

  explicit DnsServer(Script script)
      : script_(std::move(script)), fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const auto any = SocketAddress::parse("127.0.0.1:0").value();
    PP_ASSERT(::bind(fd_.get(), any.get(), any.length()) == 0);
    address_ = net::localAddress(fd_.get());
    thread_ = std::thread([this] { serve(); });
  }
  ~DnsServer() {
    over_ = true;
    thread_.join();
  }
  std::string address() const { return address_.toString(); }
  int questions() const { return questions_; }

 private:
  void serve() {
    while (!over_) {
      pollfd look{fd_.get(), POLLIN, 0};
      if (::poll(&look, 1, 20) <= 0) continue;
      uint8_t bytes[512];
      sockaddr_storage from{};
      socklen_t length = sizeof from;
      const ssize_t n = ::recvfrom(fd_.get(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (n < 17) continue;
      ++questions_;
      const std::string answer = answerTo(std::string(reinterpret_cast<char*>(bytes), static_cast<size_t>(n)));
      if (answer.empty()) continue;
      (void)::sendto(fd_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
  }

  std::string answerTo(const std::string& question) const {
    size_t end = 12;
    while (question[end] != 0)
      end += static_cast<size_t>(static_cast<uint8_t>(question[end])) + 1;
    const auto type =
        static_cast<uint16_t>(static_cast<uint8_t>(question[end + 1]) << 8 | static_cast<uint8_t>(question[end + 2]));
    const Reply reply = script_(type);
    if (reply.silent) return "";
    std::string out = question.substr(0, 2);
    out += '\x81';
    out += static_cast<char>(0x80 | reply.rcode);
    out += std::string("\0\1\0", 3) + static_cast<char>(reply.addresses.size()) + std::string(4, '\0');
    std::string section = question.substr(12, end + 5 - 12);
    if (reply.otherQuestion) section[1] = section[1] == 'x' ? 'y' : 'x';
    out += section;
    for (const std::string& text : reply.addresses) {
      uint8_t raw[16];
      const bool six = type == kAaaa;
      PP_ASSERT(::inet_pton(six ? AF_INET6 : AF_INET, text.c_str(), raw) == 1);
      const uint32_t ttl = htonl(reply.ttl);
      out += std::string("\xc0\x0c\0", 3) + static_cast<char>(type) + std::string("\0\1", 2);
      out += std::string(reinterpret_cast<const char*>(&ttl), 4) + '\0' + static_cast<char>(six ? 16 : 4);
      out += std::string(reinterpret_cast<char*>(raw), six ? 16 : 4);
    }
    return out;
  }

  const Script script_;
  Fd fd_;
  SocketAddress address_;
  std::atomic<bool> over_{false};
  std::atomic<int> questions_{0};
  std::thread thread_;
};

}  // namespace peerpulse::dns
