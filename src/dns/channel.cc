#include "channel.h"

#include <algorithm>
#include <ares.h>
#include <cstring>
#include <netinet/in.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/time.h>
#include <utility>

#include "peerpulse/base/assert.h"

namespace peerpulse::dns {

namespace {

constexpr const char* kResolvConf = "/etc/resolv.conf";

Status statusOf(int ares) {
  switch (ares) {
    case ARES_SUCCESS: return Status::kOk;
    case ARES_ENOTFOUND:
    case ARES_ENONAME: return Status::kNoSuchName;
    case ARES_ENODATA: return Status::kNoAddress;
    case ARES_ETIMEOUT: return Status::kTimeout;
    case ARES_ESERVFAIL:
    case ARES_ENOTIMP: return Status::kServerFailure;
    case ARES_EREFUSED: return Status::kRefused;
    case ARES_EFORMERR:
    case ARES_EBADRESP:
    case ARES_EBADNAME: return Status::kBadAnswer;
    case ARES_ECONNREFUSED: return Status::kUnreachable;
    default: return Status::kOwnTrouble;
  }
}

/// DHCP and container networks write the file anew.
std::string identityOf(const char* path) {
  struct stat file {};
  if (::stat(path, &file) != 0) return "";
  return std::to_string(file.st_ino) + " " + std::to_string(file.st_size) + " " +
         std::to_string(file.st_mtim.tv_sec) + "." + std::to_string(file.st_mtim.tv_nsec);
}

int serverCount(ares_channel channel) {
  ares_addr_port_node* servers = nullptr;
  if (ares_get_servers_ports(channel, &servers) != ARES_SUCCESS) return 0;
  int count = 0;
  for (const ares_addr_port_node* each = servers; each != nullptr; each = each->next)
    ++count;
  ares_free_data(servers);
  return count;
}

/// RFC 6761 6.3. (c-ares 1.18 asks /etc/hosts for it, and keeps some bytes each time.)
bool isLocalhost(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name == "localhost" || name.ends_with(".localhost");
}

Answer loopback(Family family, uint16_t port) {
  const char* host = family == Family::kV4 ? "127.0.0.1:0" : "[::1]:0";
  return {.status = Status::kOk,
          .addresses = {SocketAddress::parse(host).value().withPort(port)},
          .ttl = Duration::max()};
}

/// What a connect to it could only mean: an address of nobody, of many, of this host by mistake (what filters answer for names
/// that are not to be reached), or of a link without saying of which.
bool isNobody(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const uint32_t v4 = ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
    return (v4 >> 24) == 0 || v4 >= 0xe0000000;  // 0/8, 224/4, 240/4
  }
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  return IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_MULTICAST(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6);
}

Answer answerOf(int status, const ares_addrinfo* result, uint16_t port) {
  Answer answer;
  answer.status = statusOf(status);
  if (answer.status != Status::kOk) return answer;
  answer.ttl = Duration::max();
  for (const ares_addrinfo_node* node = result->nodes; node != nullptr; node = node->ai_next) {
    if ((node->ai_family != AF_INET && node->ai_family != AF_INET6) || isNobody(node->ai_addr)) continue;
    answer.addresses.push_back(SocketAddress::fromSockaddr(node->ai_addr, node->ai_addrlen).withPort(port));
    answer.ttl = std::min<Duration>(answer.ttl, seconds(std::max(node->ai_ttl, 0)));
  }
  if (answer.addresses.empty()) {
    return {.status = result->nodes == nullptr ? Status::kNoAddress : Status::kBadAnswer, .addresses = {}, .ttl = {}};
  }
  return answer;
}

}  // namespace

struct Channel::Question {
  Channel& channel;
  uint16_t port;
  Callback done;
};

Channel::Channel(event::Dispatcher& dispatcher, const Options& options)
    : dispatcher_(dispatcher),
      options_(options),
      timer_(dispatcher.createTimer([this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); })) {
  // Counted by the library; never undone: c-ares on Linux has nothing to clean up.
  (void)ares_library_init(ARES_LIB_INIT_ALL);
}

Channel::~Channel() { closeChannel(); }

void Channel::closeChannel() {
  if (ares_ != nullptr) ares_destroy(std::exchange(ares_, nullptr));
  watched_.clear();
  timer_->disable();
}

// A server that says SERVFAIL or REFUSED is asked no more when there is another; if it is the only one, what it says is the
// answer.
Result<void> Channel::open() {
  fileSeen_ = identityOf(kResolvConf);
  if (auto made = make(0); !made) return made;
  if (serverCount(ares_) != 1) return {};
  closeChannel();
  return make(ARES_FLAG_NOCHECKRESP);
}

Result<void> Channel::make(int flags) {
  ares_options options{};
  options.flags = flags;
  options.timeout = static_cast<int>(std::chrono::ceil<milliseconds>(options_.timeout).count());
  options.tries = static_cast<int>(options_.tries);
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int read, int write) {
    static_cast<Channel*>(self)->watch(fd, read != 0, write != 0);
  };
  int status = ares_init_options(&ares_, &options,
                                 ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) {
    ares_ = nullptr;
    return Error{std::string("the resolver cannot begin: ") + ares_strerror(status)};
  }
  if (options_.servers.empty()) return {};
  std::string list;
  for (const std::string& server : options_.servers)
    list += (list.empty() ? "" : ",") + server;
  status = ares_set_servers_ports_csv(ares_, list.c_str());
  if (status == ARES_SUCCESS) return {};
  closeChannel();
  return Error{"/dns/servers: " + list + ": " + ares_strerror(status)};
}

// Only while nobody waits for an answer.
void Channel::renewIfChanged() {
  const bool changed = options_.servers.empty() && identityOf(kResolvConf) != fileSeen_;
  if (ares_ != nullptr && (!changed || open_ > 0)) return;
  closeChannel();
  (void)open();  // told by the answers: kOwnTrouble
}

void Channel::lookUp(const std::string& name, uint16_t port, Family family, Callback done) {
  if (isLocalhost(name)) {
    done(loopback(family, port));
    return;
  }
  renewIfChanged();
  if (ares_ == nullptr) {
    done({});
    return;
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = family == Family::kV4 ? AF_INET : AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;  // by connected sockets, one for each address; connects race anyway
  ++open_;
  ares_getaddrinfo(
      ares_, name.c_str(), nullptr, &hints,
      [](void* argument, int status, int, ares_addrinfo* result) {
        const std::unique_ptr<Question> question(static_cast<Question*>(argument));
        const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owner(result, &ares_freeaddrinfo);
        question->channel.answered(*question, answerOf(status, result, question->port));
      },
      new Question{*this, port, std::move(done)});  // NOLINT: the callback, which always comes, owns it
  armTimer();
}

void Channel::answered(Question& question, Answer answer) {
  --open_;
  question.done(std::move(answer));
}

// Neither: the socket is about to be closed.
void Channel::watch(int fd, bool read, bool write) {
  if (!read && !write) {
    watched_.erase(fd);
    return;
  }
  auto& event = watched_[fd];
  if (event == nullptr) {
    event = dispatcher_.createFileEvent(fd, [this, fd](uint32_t events) {
      process((events & event::FileEvent::kRead) != 0 ? fd : ARES_SOCKET_BAD,
              (events & event::FileEvent::kWrite) != 0 ? fd : ARES_SOCKET_BAD);
    });
  }
  event->setEnabled((read ? event::FileEvent::kRead : 0) | (write ? event::FileEvent::kWrite : 0));
}

void Channel::process(int readable, int writable) {
  if (ares_ == nullptr) return;
  ares_process_fd(ares_, readable, writable);
  armTimer();
}

void Channel::armTimer() {
  timeval left{};
  if (ares_ == nullptr || ares_timeout(ares_, nullptr, &left) == nullptr) {
    timer_->disable();
    return;
  }
  timer_->enable(seconds(left.tv_sec) + microseconds(left.tv_usec));
}

}  // namespace peerpulse::dns
