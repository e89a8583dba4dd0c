#include "socket_destroyer.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <optional>

#include "socket_filter.h"

namespace peerpulse::guard {

namespace {

// Numbers of the kernel's include/net/tcp_states.h, as in inet_diag_msg.
constexpr uint32_t kSynSent = 2;
constexpr uint32_t kSynReceived = 3;
constexpr uint32_t kTimeWait = 6;
constexpr uint32_t kListen = 10;
constexpr uint32_t kAllStates = 0xFFF & ~1U;
constexpr uint32_t kStates = kAllStates & ~(1U << kTimeWait) & ~(1U << kListen);

/// Requests in one send: their complaints, if all fail, fit the socket's buffer.
constexpr size_t kBatch = 64;

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 diag;
};

Request requestFor(uint16_t type, uint16_t flags, uint32_t sequence, uint8_t family) {
  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  request.header.nlmsg_seq = sequence;
  request.diag.sdiag_family = family;
  request.diag.sdiag_protocol = IPPROTO_TCP;
  return request;
}
static_assert(sizeof(Request) == netlink::alignedSize(sizeof(Request)));

/// Which sockets a dump is to tell of. One of IPv4 may be of a socket of IPv6 (mapped addresses), and only the older form of the
/// request asks for both families: a second walk through the kernel's table would take as long as destroying fifty.
std::vector<char> dumpRequest(int family, uint32_t sequence, const std::vector<uint8_t>& filter) {
  constexpr uint8_t kInfo = 1U << (INET_DIAG_INFO - 1);
  const bool bothFamilies = family == AF_INET;
  std::vector<char> bytes(netlink::alignedSize(sizeof(nlmsghdr)) + sizeof(inet_diag_req_v2) + sizeof(inet_diag_req) +
                          sizeof(nlattr) + netlink::alignedSize(filter.size()));
  nlmsghdr* header = mnl_nlmsg_put_header(bytes.data());
  header->nlmsg_type = bothFamilies ? TCPDIAG_GETSOCK : SOCK_DIAG_BY_FAMILY;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header->nlmsg_seq = sequence;
  if (bothFamilies) {
    auto* request = static_cast<inet_diag_req*>(mnl_nlmsg_put_extra_header(header, sizeof(inet_diag_req)));
    request->idiag_states = kStates;
    request->idiag_ext = kInfo;
  } else {
    auto* request = static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(header, sizeof(inet_diag_req_v2)));
    request->sdiag_family = static_cast<uint8_t>(family);
    request->sdiag_protocol = IPPROTO_TCP;
    request->idiag_states = kStates;
    request->idiag_ext = kInfo;
  }
  mnl_attr_put(header, INET_DIAG_REQ_BYTECODE, filter.size(), filter.data());
  bytes.resize(header->nlmsg_len);
  return bytes;
}

int findInfo(const nlattr* attribute, void* data) {
  // Newer kernels know more than this header.
  if (mnl_attr_get_type(attribute) == INET_DIAG_INFO) *static_cast<const nlattr**>(data) = attribute;
  return MNL_CB_OK;
}

/// INET_DIAG_INFO; nullptr where there is no whole socket yet, or none any more.
const nlattr* infoOf(const nlmsghdr& message) {
  const nlattr* info = nullptr;
  (void)mnl_attr_parse(&message, sizeof(inet_diag_msg), findInfo, static_cast<void*>(&info));
  return info;
}

/// Nobody's socket: one whose owner has closed it long ago and whose rest waits for the peer's FIN (in TIME_WAIT's form, timer
/// 3; older kernels cannot destroy those), or a handshake that the peer began and no server has seen.
bool isNobodys(const inet_diag_msg& socket, const nlattr* info) {
  constexpr uint8_t kTimeWaitTimer = 3;
  return socket.idiag_timer == kTimeWaitTimer || (socket.idiag_state == kSynReceived && info == nullptr);
}

/// How long ago the socket's kernel last had anything of the remote side; nothing where it never had, or is not told.
std::optional<Duration> heardAgo(const inet_diag_msg& socket, const nlattr* info) {
  if (socket.idiag_state == kSynSent) return std::nullopt;
  constexpr size_t kNeeded = offsetof(tcp_info, tcpi_last_ack_recv) + sizeof(tcp_info::tcpi_last_ack_recv);
  if (info == nullptr || mnl_attr_get_payload_len(info) < kNeeded) return std::nullopt;
  tcp_info values{};
  std::memcpy(&values, mnl_attr_get_payload(info), kNeeded);
  return milliseconds(std::min(values.tcpi_last_ack_recv, values.tcpi_last_data_recv));
}

}  // namespace

Result<SocketDestroyer> SocketDestroyer::open(uint32_t mark) {
  auto socket = netlink::NetlinkSocket::open(NETLINK_SOCK_DIAG);
  if (!socket) return socket.error();
  return SocketDestroyer(std::move(*socket), mark);
}

// Of a socket that there cannot be: port 0. The kernel looks for it before it asks for the right to it; to ask for sockets by their
// mark needs the same right.
Result<void> SocketDestroyer::permitted() {
  const uint32_t sequence = socket_.nextSequence();
  const Request request = requestFor(SOCK_DESTROY, NLM_F_ACK, sequence, AF_INET);
  if (auto sent = socket_.send(&request, sizeof request); !sent) return sent;
  const auto answer = socket_.receiveAll(sequence, [](const nlmsghdr&) {});
  if (!answer && answer.error().code != ENOENT) {
    return Error{"SOCK_DESTROY: " + answer.error().message, answer.error().code};
  }
  constexpr uint32_t kAnyMark = 1;
  Destruction ignored;
  found_.clear();
  return dump(AF_INET, socketFilter(SocketAddress::parse("0.0.0.0:0").value(), {1}, kAnyMark), {}, ignored);
}

Destruction SocketDestroyer::destroy(const Target& target, int passes) {
  const std::vector<uint8_t> filter = socketFilter(target.host, target.ports, mark_);
  Destruction result;
  bool moved = true;
  for (int pass = 0; pass < passes && moved; ++pass) {
    result.spared = 0;
    moved = sweep(target.host.family(), filter, target.heardWithin, result);
  }
  return result;
}

// Whether there may be more: something was found and has gone.
bool SocketDestroyer::sweep(int family, const std::vector<uint8_t>& filter, Duration heardWithin,
                            Destruction& result) {
  found_.clear();
  if (auto dumped = dump(family, filter, heardWithin, result); !dumped) {
    result.error = dumped.error().code;
    ++result.failed;
  }
  const uint32_t before = result.destroyed + result.gone;
  destroyFound(result);
  return result.destroyed + result.gone != before;
}

Result<void> SocketDestroyer::dump(int family, const std::vector<uint8_t>& filter, Duration heardWithin,
                                   Destruction& result) {
  const uint32_t sequence = socket_.nextSequence();
  const std::vector<char> request = dumpRequest(family, sequence, filter);
  if (auto sent = socket_.send(request.data(), request.size()); !sent) return sent;
  return socket_.receiveAll(sequence, [&](const nlmsghdr& message) {
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(inet_diag_msg) || found_.size() >= kMaxSockets) return;
    inet_diag_msg socket;
    std::memcpy(&socket, mnl_nlmsg_get_payload(&message), sizeof socket);
    const nlattr* info = infoOf(message);
    if (isNobodys(socket, info)) return;
    const auto heard = heardAgo(socket, info);
    if (heard && *heard < heardWithin) {
      ++result.spared;
    } else {
      found_.push_back({socket.idiag_family, socket.id});
    }
  });
}

void SocketDestroyer::destroyFound(Destruction& result) {
  for (size_t begin = 0; begin < found_.size(); begin += kBatch) {
    const size_t count = std::min(kBatch, found_.size() - begin);
    batch_.resize(count * sizeof(Request));
    for (size_t i = 0; i < count; ++i) {
      Request request = requestFor(SOCK_DESTROY, 0, socket_.nextSequence(), found_[begin + i].family);
      request.diag.id = found_[begin + i].id;
      std::memcpy(&batch_[i * sizeof request], &request, sizeof request);
    }
    if (auto sent = socket_.send(batch_.data(), batch_.size()); !sent) {
      result.failed += static_cast<uint32_t>(count);
      result.error = sent.error().code;
      continue;
    }
    auto destroyed = static_cast<uint32_t>(count);  // a complaint that was lost shows in the next dump
    socket_.takeErrors([&](uint32_t, int error) {
      if (error == 0 || destroyed == 0) return;
      --destroyed;
      if (error == ENOENT) {
        ++result.gone;
      } else {
        ++result.failed;
        result.error = error;
      }
    });
    result.destroyed += destroyed;
  }
}

}  // namespace peerpulse::guard
