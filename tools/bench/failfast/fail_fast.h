// FailFast: how long a client on this host waits for the answer to a request, one after the other on one
// keepalive connection, with blocking sockets and nothing else in the way.
//
// Threading: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peerpulse/base/address.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/base/result.h"

namespace peerpulse::bench {

struct FailFastReport {
  std::vector<int64_t> nanos;  ///< one per answer, sorted
  uint64_t otherStatus = 0;    ///< answers with another status than expected
  uint64_t reconnects = 0;     ///< the server closed the connection between two answers
};

class FailFast {
 public:
  FailFast(const SocketAddress& address, std::string path, int expectedStatus);

  /// Error when an answer cannot be had or understood.
  Result<FailFastReport> run(uint64_t requests);

 private:
  Result<void> connect();
  /// Sends one request and reads its whole answer; the status, and whether the server will close.
  struct Answer {
    int status = 0;
    bool closes = false;
  };
  Result<Answer> exchange();
  Result<Answer> readAnswer();
  Result<size_t> readMore();

  SocketAddress address_;
  std::string request_;
  int expectedStatus_;
  Fd socket_;
  std::string received_;
};

}  // namespace peerpulse::bench
