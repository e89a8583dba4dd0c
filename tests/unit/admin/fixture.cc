#include "fixture.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <future>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace peerpulse::admin::test {

using health::CircuitState;
using health::CircuitWord;
using health::Reason;
using health::Verdict;

Client::Client(const SocketAddress& address) : fd_(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  REQUIRE(fd_.valid());
  const timeval deadline{10, 0};
  REQUIRE(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline) == 0);
  REQUIRE(::connect(fd_.get(), address.get(), address.length()) == 0);
}

void Client::send(const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return;  // closed by the server: the answer tells
    sent += static_cast<size_t>(n);
  }
}

void Client::end() { REQUIRE(::shutdown(fd_.get(), SHUT_WR) == 0); }

const std::string& Client::readUntil(const std::function<bool(const std::string&)>& done) {
  char block[16 * 1024];
  while (!done(received_)) {
    const ssize_t n = ::recv(fd_.get(), block, sizeof block, 0);
    if (n <= 0) {
      eof_ = n == 0 || errno == ECONNRESET;
      break;
    }
    received_.append(block, static_cast<size_t>(n));
  }
  return received_;
}

Answer Client::readAnswer(bool head) {
  readUntilText("\r\n\r\n");
  const size_t headEnd = received_.find("\r\n\r\n");
  REQUIRE_MESSAGE(headEnd != std::string::npos, received_);
  Answer answer;
  answer.head = received_.substr(0, headEnd + 2);
  std::transform(answer.head.begin(), answer.head.end(), answer.head.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  answer.status = std::atoi(answer.head.c_str() + std::string_view("http/1.1 ").size());
  const size_t length = answer.head.find("\r\ncontent-length:");
  size_t size = 0;
  if (length != std::string::npos && !head) {
    size = static_cast<size_t>(
        std::atoll(answer.head.c_str() + length + std::string_view("\r\ncontent-length:").size()));
  }
  readUntil([&](const std::string& all) { return all.size() >= headEnd + 4 + size; });
  answer.body = received_.substr(headEnd + 4, size);
  received_.erase(0, std::min(received_.size(), headEnd + 4 + size));
  return answer;
}

namespace {

std::vector<proxy::PeerOptions> threePeers() {
  std::vector<proxy::PeerOptions> peers(3);
  for (uint32_t i = 0; i < 3; ++i) {
    peers[i].id = PeerId{i};
    peers[i].name = "node" + std::to_string(i + 2);
    peers[i].zone = "dc1";
    peers[i].listen = SocketAddress::parse("127.0.0.1" + std::to_string(i + 2) + ":9000").value();
    peers[i].address = SocketAddress::parse("10.0.0." + std::to_string(i + 2) + ":9000").value();
  }
  return peers;
}

}  // namespace

Fixture::Fixture(const std::string& listen)
    : circuits(3),
      stats({"node2", "node3", "node4"}, {"rpc"}, {"main"}),
      events(3, std::chrono::system_clock::now()) {
  proxy::ProxyOptions options;
  options.peers = threePeers();
  snapshot_ = std::make_shared<const proxy::Snapshot>(1, options);
  circuits.beat(dispatcher_.now());
  server_ = std::make_unique<Server>(dispatcher_, sources());
  const Result<void> listening = server_->listen(SocketAddress::parse(listen).value());
  REQUIRE_MESSAGE(listening.has_value(), (listening ? "" : listening.error().message));
  address_ = server_->address();
  thread_ = std::thread([this] { dispatcher_.run(); });
}

Fixture::~Fixture() {
  dispatcher_.exit();
  thread_.join();
  server_.reset();
}

Sources Fixture::sources() {
  Sources s;
  s.node = "node1";
  s.version = "0.1.0";
  s.snapshot = [this] { return snapshot_; };
  s.circuits = &circuits;
  s.stats = &stats;
  s.own = &stats.admin;
  s.events = &events;
  s.effectiveConfig = R"({"workers":{"value":2,"source":"default"}})";
  s.notReady = [this] {
    const MutexLock lock(mutex_);
    return notReady_;
  };
  s.localHealth = [this] {
    const MutexLock lock(mutex_);
    return localHealth_;
  };
  s.name = [this](PeerId id) {
    const MutexLock lock(mutex_);
    return slot(id) == 0 ? name_ : std::nullopt;
  };
  s.overrideCircuit = [this](PeerId id, const health::CircuitOverride& change, const std::string& why) {
    const MutexLock lock(mutex_);
    overrides_.push_back({id, change, why});
  };
  s.logLines = [] { return uint64_t{900}; };
  s.logDropped = [] { return uint64_t{5}; };
  return s;
}

void Fixture::publish(uint32_t peer, Verdict verdict, CircuitState circuit, Reason reason) {
  CircuitWord word;
  word.verdict = verdict;
  word.circuit = circuit;
  word.reason = reason;
  circuits.publish(PeerId{peer}, word);
}

void Fixture::setAllAlive() {
  for (uint32_t i = 0; i < 3; ++i)
    publish(i, Verdict::kAlive, CircuitState::kClosed, Reason::kProbeAck);
}

void Fixture::addEvent(uint32_t peer, Verdict from, Verdict to) {
  health::Transition t;
  t.peer = PeerId{peer};
  t.from.verdict = from;
  t.to.verdict = to;
  t.to.circuit = to == Verdict::kDead ? CircuitState::kOpen : CircuitState::kClosed;
  t.to.reason = to == Verdict::kDead ? Reason::kProbeSilence : Reason::kProbeAck;
  t.to.generation = 7;
  t.at = TimePoint(seconds(100));
  t.lastEvidence = t.at - milliseconds(66);
  t.evidence.silence = microseconds(66'250);
  t.evidence.unacked = 3;
  t.evidence.error = EHOSTUNREACH;
  events.changed(t.peer, WallTime(seconds(1'800'000'000)));
  events.add(t, WallTime(seconds(1'800'000'000)));
}

std::vector<Override> Fixture::overrides() {
  const MutexLock lock(mutex_);
  return overrides_;
}

void Fixture::setNotReady(std::vector<std::string> what) {
  const MutexLock lock(mutex_);
  notReady_ = std::move(what);
}

void Fixture::setLocalHealth(std::string state) {
  const MutexLock lock(mutex_);
  localHealth_ = std::move(state);
}

void Fixture::setName(NameView view) {
  const MutexLock lock(mutex_);
  name_ = std::move(view);
}

void Fixture::drain() {
  std::promise<void> done;
  dispatcher_.post([&] {
    server_->drain();
    done.set_value();
  });
  done.get_future().wait();
}

Answer Fixture::request(const std::string& method, const std::string& path, const std::string& body,
                        const std::string& head, const std::optional<std::string>& host) {
  Client client(address_);
  std::string text = method + " " + path + " HTTP/1.1\r\nHost: " + host.value_or(this->host()) + "\r\n" + head;
  if (method == "POST" || !body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  client.send(text + "\r\n" + body);
  return client.readAnswer(method == "HEAD");
}

}  // namespace peerpulse::admin::test
