#include "fail_fast.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>

#include "peerpulse/base/time.h"

namespace peerpulse::bench {

namespace {

constexpr size_t kMaxAnswer = 1 << 20;

/// The value of a header field of `head`, or empty. Names in any case.
std::string_view fieldValue(std::string_view head, std::string_view name) {
  const auto sameLetter = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  size_t line = head.find("\r\n");
  while (line != std::string_view::npos && line + 2 < head.size()) {
    const std::string_view rest = head.substr(line + 2);
    const size_t end = rest.find("\r\n");
    if (rest.size() > name.size() && rest[name.size()] == ':' &&
        std::equal(name.begin(), name.end(), rest.begin(), sameLetter)) {
      std::string_view value = rest.substr(name.size() + 1, end - name.size() - 1);
      value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
      return value;
    }
    line = end == std::string_view::npos ? end : line + 2 + end;
  }
  return {};
}

template <typename Number>
bool parseNumber(std::string_view text, Number& number) {
  return !text.empty() && std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc();
}

}  // namespace

FailFast::FailFast(const SocketAddress& address, std::string path, int expectedStatus)
    : address_(address),
      request_("GET " + std::move(path) + " HTTP/1.1\r\nHost: " + address.toString() + "\r\n\r\n"),
      expectedStatus_(expectedStatus) {}

Result<FailFastReport> FailFast::run(uint64_t requests) {
  FailFastReport report;
  report.nanos.reserve(requests);
  for (uint64_t i = 0; i < requests; ++i) {
    if (!socket_.valid()) {
      if (auto connected = connect(); !connected) return connected.error();
      if (i > 0) ++report.reconnects;
    }
    const TimePoint start = Clock::now();
    const auto answer = exchange();
    const TimePoint end = Clock::now();
    if (!answer) return answer.error();
    report.nanos.push_back(std::chrono::duration_cast<nanoseconds>(end - start).count());
    if (answer->status != expectedStatus_) ++report.otherStatus;
    if (answer->closes) socket_.reset();
  }
  std::sort(report.nanos.begin(), report.nanos.end());
  return report;
}

Result<void> FailFast::connect() {
  received_.clear();
  socket_ = Fd(::socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket_.valid()) return systemError("socket", errno);
  const int on = 1;
  // Fails on unix sockets, which need it not.
  (void)::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval limit{5, 0};
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) {
    return systemError("SO_RCVTIMEO", errno);
  }
  if (::connect(socket_.get(), address_.get(), address_.length()) != 0) {
    return systemError("connect " + address_.toString(), errno);
  }
  return {};
}

Result<FailFast::Answer> FailFast::exchange() {
  // Fits an empty socket buffer: written whole or not at all.
  const ssize_t sent = ::send(socket_.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
  if (sent < 0) return systemError("send", errno);
  if (static_cast<size_t>(sent) != request_.size()) return Error{"request not written whole"};
  return readAnswer();
}

Result<FailFast::Answer> FailFast::readAnswer() {
  size_t headEnd = std::string::npos;
  while ((headEnd = received_.find("\r\n\r\n")) == std::string::npos) {
    if (auto more = readMore(); !more) return more.error();
  }
  const std::string_view head(received_.data(), headEnd + 2);
  Answer answer;
  size_t bodyLength = 0;
  if (head.size() < 12 || !parseNumber(head.substr(9, 3), answer.status)) return Error{"no status line"};
  if (!parseNumber(fieldValue(head, "content-length"), bodyLength)) return Error{"answer without content-length"};
  answer.closes = fieldValue(head, "connection") == "close";
  const size_t size = headEnd + 4 + bodyLength;
  if (size > kMaxAnswer) return Error{"answer too large"};
  while (received_.size() < size) {
    if (auto more = readMore(); !more) return more.error();
  }
  received_.erase(0, size);
  return answer;
}

Result<size_t> FailFast::readMore() {
  if (received_.size() > kMaxAnswer) return Error{"answer too large"};
  char buffer[16 * 1024];
  const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, 0);
  if (n < 0) return systemError("recv", errno);
  if (n == 0) return Error{"connection closed within an answer"};
  received_.append(buffer, static_cast<size_t>(n));
  return static_cast<size_t>(n);
}

}  // namespace peerpulse::bench
