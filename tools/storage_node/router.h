// Router: which exchange serves a request.
//
//   GET|HEAD             /health
//   PUT|GET|HEAD|DELETE  /chunks/<disk>/<path>   PUT: ?overwrite=1 replaces a chunk, otherwise it is a 409
//   POST                 /notifications/<path>
//
// Threading: immutable after construction; shared by the loops.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "peerpulse/http/message.h"
#include "storage_node/disk.h"
#include "storage_node/exchange.h"

namespace peerpulse::storage_node {

class Router {
 public:
  Router(std::vector<std::unique_ptr<Disk>> disks, uint64_t maxChunkSize);

  std::unique_ptr<Exchange> createExchange(const ExchangeContext& context, const http::RequestHead& head) const;

 private:
  std::unique_ptr<Exchange> createHealth(const ExchangeContext& context, const http::RequestHead& head) const;
  std::unique_ptr<Exchange> createChunk(const ExchangeContext& context, const http::RequestHead& head) const;
  static std::unique_ptr<Exchange> createNotification(const ExchangeContext& context, const http::RequestHead& head);
  std::string healthJson() const;

  std::map<std::string, std::unique_ptr<Disk>, std::less<>> disks_;
  uint64_t maxChunkSize_;
};

}  // namespace peerpulse::storage_node
