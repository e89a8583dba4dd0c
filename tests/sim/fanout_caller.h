// FanoutCaller: a program on the own host that calls the fan-out API: one connection after the other, some operations on
// each, through the real client codecs. Refused or broken off, it tries again.
//
// Threading: one thread. Ownership: owns its connection, and that its operations.
#pragma once

#include <memory>

#include "local_client.h"
#include "operation_ledger.h"
#include "random.h"

namespace peerpulse::sim {

class FanoutCaller {
 public:
  FanoutCaller(ClientHost& host, OperationLedger& operations, const SocketAddress& api, const FanoutSetup& setup,
               uint32_t peers, Random random);
  ~FanoutCaller();

  /// No new connections and operations.
  void stop();
  /// What is still there is cut off.
  void cutOff();
  bool idle() const { return connection_ == nullptr; }

 private:
  class Connection;
  class Operation;

  void next();
  void connectionOver();

  ClientHost& host_;
  OperationLedger& operations_;
  const SocketAddress api_;
  const FanoutSetup& setup_;
  const uint32_t peers_;
  Random random_;
  std::unique_ptr<event::Timer> timer_;
  std::unique_ptr<Connection> connection_;
  bool stopped_ = false;
};

}  // namespace peerpulse::sim
