#include "peerpulse/net/kernel_features.h"

#include <cerrno>
#include <netinet/in.h>
#include <string_view>
#include <sys/socket.h>

#include "peerpulse/base/fd.h"
#include "tcp_constants.h"

namespace peerpulse::net {

namespace {

bool accepts(int fd, int name, int value) { return ::setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value) == 0; }

// Two ticks of CONFIG_HZ 1000, 300, 250 and 100, with the kernel's rounding.
constexpr int kRtoMinCandidatesMicros[] = {1'500, 2'000, 5'000, 8'000, 15'000, 20'000};

KernelFeatures probe() {
  KernelFeatures features;
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) fd = Fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return features;
  features.userTimeout = accepts(fd.get(), TCP_USER_TIMEOUT, 1000);
  features.rtoMax = accepts(fd.get(), kTcpRtoMaxMs, 1000);
  for (const int micros : kRtoMinCandidatesMicros) {
    if (!accepts(fd.get(), kTcpRtoMinUs, micros)) continue;
    features.rtoMinFloor = microseconds(micros);
    break;
  }
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(fd.get(), IPPROTO_TCP, TCP_INFO, &info, &length) == 0) features.tcpInfoBytes = length;
  return features;
}

}  // namespace

const KernelFeatures& kernelFeatures() {
  static const KernelFeatures features = probe();
  return features;
}

// A protocol that it knows it refuses for the want of a connection only.
bool kernelHasTls() {
  constexpr std::string_view kName = "tls";
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd.valid() && ::setsockopt(fd.get(), IPPROTO_TCP, TCP_ULP, kName.data(), kName.size()) != 0 &&
         errno == ENOTCONN;
}

}  // namespace peerpulse::net
