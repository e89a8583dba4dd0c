// NotificationExchange: takes a notification, says on stdout that it had it, and answers 204 once all of it is here.
//
// Threading, ownership: as Exchange.
#pragma once

#include <string>
#include <unistd.h>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/json_line.h"
#include "storage_node/exchange.h"

namespace peerpulse::storage_node {

class NotificationExchange : public Exchange {
 public:
  NotificationExchange(const ExchangeContext& context, std::string path)
      : Exchange(context), path_(std::move(path)) {}

  void start() override { sendContinue(); }
  void onEnd() override {
    Exchange::onEnd();
    tools::writeJsonLine(STDOUT_FILENO, {{"event", "notification"}, {"path", path_}});
    reply(204, {}, "", "");
  }

 private:
  const std::string path_;
};

}  // namespace peerpulse::storage_node
