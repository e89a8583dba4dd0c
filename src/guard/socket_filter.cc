#include "socket_filter.h"

#include <cstring>
#include <linux/inet_diag.h>
#include <netinet/in.h>

#include "peerpulse/base/assert.h"

namespace peerpulse::guard {

namespace {

constexpr size_t kOp = sizeof(inet_diag_bc_op);
constexpr size_t kHostOp = kOp + sizeof(inet_diag_hostcond);
constexpr size_t kMarkOp = kOp + sizeof(inet_diag_markcond);
/// Beyond the end: not taken.
constexpr size_t kReject = 4;

template <typename T>
void append(std::vector<uint8_t>& code, const T& part) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&part);
  code.insert(code.end(), bytes, bytes + sizeof part);
}

class Writer {
 public:
  explicit Writer(size_t length) : length_(length) { code_.reserve(length); }

  std::vector<uint8_t> take() {
    PP_ASSERT(code_.size() == length_);
    return std::move(code_);
  }
  /// Distances from the instruction that is written next.
  size_t toEnd() const { return length_ - code_.size(); }
  size_t toReject() const { return toEnd() + kReject; }

  void op(uint8_t code, size_t yes, size_t no) {
    PP_ASSERT(yes <= UINT8_MAX && no <= UINT16_MAX);
    append(code_, inet_diag_bc_op{code, static_cast<uint8_t>(yes), static_cast<uint16_t>(no)});
  }
  void jump(size_t distance) { op(INET_DIAG_BC_JMP, kOp, distance); }
  void mark(uint32_t value) { append(code_, inet_diag_markcond{value, UINT32_MAX}); }
  void host(int family, int port, const void* address, size_t addressLength) {
    inet_diag_hostcond condition{};
    condition.family = static_cast<uint8_t>(family);
    condition.prefix_len = static_cast<uint8_t>(8 * addressLength);
    condition.port = port;
    append(code_, condition);
    const auto* bytes = static_cast<const uint8_t*>(address);
    code_.insert(code_.end(), bytes, bytes + addressLength);
  }

 private:
  const size_t length_;
  std::vector<uint8_t> code_;
};

}  // namespace

std::vector<uint8_t> socketFilter(const SocketAddress& host, const std::vector<uint16_t>& ports, uint32_t mark) {
  PP_ASSERT(!ports.empty() && (host.family() == AF_INET || host.family() == AF_INET6));
  const bool v4 = host.family() == AF_INET;
  const void* address = v4 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(host.get())->sin_addr)
                           : &reinterpret_cast<const sockaddr_in6*>(host.get())->sin6_addr;
  const size_t addressLength = v4 ? sizeof(in_addr) : sizeof(in6_addr);
  const size_t alternatives = 2 * ports.size();  // either end of the connection

  Writer code((mark != 0 ? kMarkOp + kOp : 0) + kHostOp + addressLength + alternatives * kHostOp +
              (alternatives - 1) * kOp);
  if (mark != 0) {
    code.op(INET_DIAG_BC_MARK_COND, kMarkOp, kMarkOp + kOp);
    code.mark(mark);
    code.jump(code.toReject());
  }
  code.op(INET_DIAG_BC_D_COND, kHostOp + addressLength, code.toReject());
  code.host(host.family(), -1, address, addressLength);
  for (size_t i = 0; i < alternatives; ++i) {
    const bool last = i + 1 == alternatives;
    code.op(i % 2 == 0 ? INET_DIAG_BC_D_COND : INET_DIAG_BC_S_COND, kHostOp, last ? code.toReject() : kHostOp + kOp);
    code.host(AF_UNSPEC, ports[i / 2], nullptr, 0);
    if (!last) code.jump(code.toEnd());
  }
  return code.take();
}

}  // namespace peerpulse::guard
