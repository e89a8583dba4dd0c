// DeleteExchange: removes one chunk; 204 once that is durable.
//
// Threading, ownership: as Exchange.
#pragma once

#include <string>
#include <utility>

#include "storage_node/disk.h"
#include "storage_node/exchange.h"

namespace peerpulse::storage_node {

class DeleteExchange : public Exchange {
 public:
  DeleteExchange(const ExchangeContext& context, Disk& disk, std::string path)
      : Exchange(context), disk_(disk), path_(std::move(path)) {}

  void start() override {
    runIo([this] { result_ = disk_.remove(path_); }, [this] { onRemoved(); });
  }

 private:
  void onRemoved() {
    if (result_) {
      reply(204, {}, "", "");
      return;
    }
    Problem problem = problemOf(result_.error());
    if (problem.status == 409) problem = Problem{404, "no such chunk"};
    replyProblem(problem);
  }

  Disk& disk_;
  std::string path_;
  Result<void> result_;
};

}  // namespace peerpulse::storage_node
