#include "peerpulse/netlink/netlink_socket.h"

#include <cerrno>
#include <linux/netlink.h>
#include <optional>
#include <sys/socket.h>
#include <sys/time.h>

namespace peerpulse::netlink {

namespace {

/// What an error message says; 0 is an acknowledgement.
int errorOf(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(nlmsgerr)) return EBADMSG;
  return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message))->error;
}

/// What NLMSG_DONE says: a dump may have been broken off.
int doneError(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(int)) return 0;
  return -*static_cast<const int*>(mnl_nlmsg_get_payload(&message));
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open(int family) {
  mnl_socket* opened = mnl_socket_open2(family, SOCK_CLOEXEC);
  if (opened == nullptr) return systemError("netlink socket", errno);
  NetlinkSocket socket(opened);
  if (mnl_socket_bind(opened, 0, MNL_SOCKET_AUTOPID) != 0) return systemError("bind netlink socket", errno);
  timeval patience{};
  patience.tv_sec = std::chrono::duration_cast<seconds>(kPatience).count();
  if (::setsockopt(mnl_socket_get_fd(opened), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) {
    return systemError("setsockopt SO_RCVTIMEO", errno);
  }
  // Room for the largest request (all peers, all ports). Without the right to it, for a common one.
  const int sendBuffer = kSendBuffer;
  (void)::setsockopt(mnl_socket_get_fd(opened), SOL_SOCKET, SO_SNDBUFFORCE, &sendBuffer, sizeof sendBuffer);
  return socket;
}

uint32_t NetlinkSocket::nextSequence() {
  if (++sequence_ == 0) ++sequence_;
  return sequence_;
}

Result<void> NetlinkSocket::send(const void* data, size_t size) {
  for (;;) {
    const ssize_t sent = mnl_socket_sendto(socket_.get(), data, size);
    if (sent == static_cast<ssize_t>(size)) return {};
    if (sent < 0 && errno == EINTR) continue;
    return systemError("send to netlink", sent < 0 ? errno : EMSGSIZE);
  }
}

Result<size_t> NetlinkSocket::receive(int flags) {
  for (;;) {
    const ssize_t n = ::recv(mnl_socket_get_fd(socket_.get()), buffer_.get(), kBuffer, flags | MSG_TRUNC);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return systemError("receive from netlink", errno);
    if (static_cast<size_t>(n) > kBuffer) return systemError("receive from netlink", EMSGSIZE);
    return static_cast<size_t>(n);
  }
}

Result<void> NetlinkSocket::receiveAll(uint32_t sequence, const std::function<void(const nlmsghdr&)>& each) {
  for (;;) {
    const auto received = receive(0);
    if (!received) return received.error();
    int left = static_cast<int>(*received);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.get()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_seq != sequence) continue;  // of a request that was given up
      std::optional<int> end;
      if (message->nlmsg_type == NLMSG_DONE) end = doneError(*message);
      if (message->nlmsg_type == NLMSG_ERROR) end = errorOf(*message);
      if (end) return *end == 0 ? Result<void>() : systemError("netlink", *end);
      if (message->nlmsg_type >= NLMSG_MIN_TYPE) each(*message);
    }
  }
}

void NetlinkSocket::takeErrors(const std::function<void(uint32_t sequence, int error)>& each) {
  for (;;) {
    const auto received = receive(MSG_DONTWAIT);
    if (!received && received.error().code == ENOBUFS) continue;
    if (!received) return;
    int left = static_cast<int>(*received);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.get()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_type == NLMSG_ERROR) each(message->nlmsg_seq, errorOf(*message));
    }
  }
}

}  // namespace peerpulse::netlink
