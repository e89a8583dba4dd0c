// ReplyExchange: an answer known from the request alone.
//
// Threading, ownership: as Exchange.
#pragma once

#include <string>
#include <utility>

#include "storage_node/exchange.h"

namespace peerpulse::storage_node {

class ReplyExchange : public Exchange {
 public:
  ReplyExchange(const ExchangeContext& context, Problem problem, http::HeaderList headers = {})
      : Exchange(context), problem_(std::move(problem)), headers_(std::move(headers)) {}
  /// 200 with a JSON body.
  ReplyExchange(const ExchangeContext& context, std::string json) : Exchange(context), json_(std::move(json)) {}

  void start() override {
    if (json_.empty()) {
      replyProblem(std::move(problem_), std::move(headers_));
    } else {
      reply(200, {}, "application/json", json_);
    }
  }

 private:
  Problem problem_;
  http::HeaderList headers_;
  std::string json_;
};

}  // namespace peerpulse::storage_node
