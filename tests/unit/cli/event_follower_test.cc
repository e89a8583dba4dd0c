// Goal: an admin that goes on another way than it began is caught up with, once; one that is none is an error.
#include "event_follower.h"

#include <cerrno>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "accept_soon.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/net/socket.h"

namespace peerpulse::cli {
namespace {

std::string answer(const std::string& type, const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nConnection: close\r\n\r\n" + body;
}
std::string history(const std::string& events) {
  return answer("application/json", R"({"node":"node1","events":[)" + events + "]}");
}
std::string event(int sequence) {
  return R"({"event":"guard","at":"2026-01-31T12:00:1)" + std::to_string(sequence) + R"(Z","sequence":)" +
         std::to_string(sequence) + "}";
}
std::string stream(const std::string& events) { return answer("text/event-stream", events); }
std::string live(int sequence) { return "data: " + event(sequence) + "\n\n"; }

/// Gives each connection the next answer; then there is nobody any more.
class Script {
 public:
  explicit Script(std::vector<std::string> answers)
      : listener_(std::move(*net::createListenSocket(*SocketAddress::parse("127.0.0.1:0"), 8))),
        address(net::localAddress(listener_.get())),
        thread_([this, answers = std::move(answers)] { serve(answers); }) {}
  ~Script() { thread_.join(); }

 private:
  void serve(const std::vector<std::string>& answers) {
    for (const std::string& text : answers) {
      const Fd connection = acceptSoon(listener_.get());
      if (!connection.valid()) break;
      std::string request;
      char byte;
      while (!request.ends_with("\r\n\r\n") && ::recv(connection.get(), &byte, 1, 0) == 1)
        request += byte;
      (void)::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }
    listener_ = Fd();
  }

  Fd listener_;

 public:
  SocketAddress address;

 private:
  std::thread thread_;
};

/// What is told until the event `last` is; then nobody reads any more.
struct Followed {
  Followed(std::vector<std::string> answers, int last) {
    Script script(std::move(answers));
    const AdminClient admin(script.address);
    const Terminal terminal(out, err, false);
    EventFollower follower(admin, terminal, [&](const Json& event) {
      told.push_back(event["sequence"]);
      if (told.back() == last) out.setstate(std::ios::badbit);
    });
    done = follower.run([&](const Json& event) { past.push_back(event["sequence"]); });
  }

  std::ostringstream out, err;
  std::vector<int> past, told;
  Result<void> done;
};

using Numbers = std::vector<int>;

TEST_CASE("event_follower: a hole in the stream is filled from the history") {
  const Followed followed({history(event(1)), stream(live(2) + live(4) + live(5)),
                           history(event(1) + "," + event(2) + "," + event(3) + "," + event(4) + "," + event(5))},
                          5);
  CHECK(followed.done.has_value());
  CHECK(followed.past == Numbers{1});
  CHECK(followed.told == Numbers{2, 3, 4, 5});
  CHECK(followed.err.str().empty());
}

TEST_CASE("event_follower: what is not kept any more is said") {
  const Followed followed({history(event(1)), stream(live(2)), history(event(4)), stream(live(5))}, 5);
  CHECK(followed.told == Numbers{2, 4, 5});
  CHECK(followed.err.str().find("more happened than is kept: events after 2026-01-31T12:00:12Z are missing") !=
        std::string::npos);
}

TEST_CASE("event_follower: at the first time an error is one") {
  CHECK(Followed({history(""), answer("text/html", "hello")}, 0).done.error().code == EPROTO);
  CHECK(Followed({answer("text/html", "hello")}, 0).done.error().code == EPROTO);
  const Followed refused({history(""),
                          "HTTP/1.1 503 No\r\nConnection: close\r\n\r\n"
                          R"({"error":"too_many_subscribers","message":"close one"})"},
                         0);
  CHECK(refused.done.error().code == 0);
}

}  // namespace
}  // namespace peerpulse::cli
