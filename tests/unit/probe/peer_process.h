// PeerProcess: a real peer in a process of its own, so that it can be killed, stopped and silenced. The test
// program starts itself again as that peer (see main.cc).
//
// Silence is that of a host without power: a socket filter that drops every segment before TCP sees it, on
// the listening and the accepted sockets, so the kernel answers nothing. It needs no privileges.
#pragma once

#include <string>
#include <sys/types.h>

#include "peerpulse/base/address.h"
#include "peerpulse/base/time.h"

namespace peerpulse::probe {

class PeerProcess {
 public:
  /// "h2", "h1", or "calm" (HTTP/2, GOAWAY ENHANCE_YOUR_CALM at the third PING of a connection).
  explicit PeerProcess(std::string mode);
  ~PeerProcess();

  const SocketAddress& address() const { return address_; }
  void start();
  void kill();     ///< SIGKILL; its kernel answers by RST
  void suspend();  ///< SIGSTOP; its kernel acknowledges
  void resume();
  /// Returns the moment it took effect.
  TimePoint silence();
  TimePoint unsilence();

 private:
  TimePoint command(char c);

  std::string mode_;
  SocketAddress address_;
  pid_t pid_ = -1;
  int control_ = -1;
};

/// The peer's main(): serves until killed or its parent is gone.
int runPeer(const std::string& mode, int listenFd, int controlFd);

}  // namespace peerpulse::probe
