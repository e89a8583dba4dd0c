// Goal: the datagram of sd_notify(3) arrives at $NOTIFY_SOCKET, and without one nothing happens.
#include "service_notify.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "peerpulse/base/fd.h"

using namespace peerpulse;

TEST_CASE("service notify: an abstract socket gets the state") {
  const std::string name = "@peerpulse-notify-test-" + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  address.sun_path[0] = '\0';
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0);
  REQUIRE(::setenv("NOTIFY_SOCKET", name.c_str(), 1) == 0);
  server::serviceNotify("READY=1");
  char text[32] = {};
  CHECK(::recv(fd.get(), text, sizeof text, MSG_DONTWAIT) == 7);
  CHECK(std::string(text) == "READY=1");
  REQUIRE(::unsetenv("NOTIFY_SOCKET") == 0);
  server::serviceNotify("STOPPING=1");
  CHECK(::recv(fd.get(), text, sizeof text, MSG_DONTWAIT) == -1);
}
