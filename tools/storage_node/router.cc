#include "router.h"

#include <nlohmann/json.hpp>

#include "storage_node/chunk_path.h"
#include "storage_node/delete_exchange.h"
#include "storage_node/get_exchange.h"
#include "storage_node/notification_exchange.h"
#include "storage_node/put_exchange.h"
#include "storage_node/reply_exchange.h"

namespace peerpulse::storage_node {

namespace {

constexpr std::string_view kNotifications = "/notifications/";

std::unique_ptr<Exchange> methodNotAllowed(const ExchangeContext& context, std::string_view allowed) {
  http::HeaderList headers;
  headers.add("allow", allowed);
  return std::make_unique<ReplyExchange>(context, Problem{405, "allowed are " + std::string(allowed)},
                                         std::move(headers));
}

}  // namespace

Router::Router(std::vector<std::unique_ptr<Disk>> disks, uint64_t maxChunkSize) : maxChunkSize_(maxChunkSize) {
  for (auto& disk : disks) {
    std::string name = disk->name();
    disks_.emplace(std::move(name), std::move(disk));
  }
}

std::unique_ptr<Exchange> Router::createExchange(const ExchangeContext& context,
                                                 const http::RequestHead& head) const {
  const std::string_view target = head.path;
  if (target.substr(0, target.find('?')) == "/health") return createHealth(context, head);
  if (target.starts_with(ChunkPath::kPrefix)) return createChunk(context, head);
  if (target.starts_with(kNotifications)) return createNotification(context, head);
  return std::make_unique<ReplyExchange>(
      context, Problem{404, "expected /chunks/<disk>/<path>, /notifications/<path> or /health"});
}

std::unique_ptr<Exchange> Router::createHealth(const ExchangeContext& context, const http::RequestHead& head) const {
  if (head.method != "GET" && head.method != "HEAD") return methodNotAllowed(context, "GET, HEAD");
  return std::make_unique<ReplyExchange>(context, healthJson());
}

std::unique_ptr<Exchange> Router::createNotification(const ExchangeContext& context, const http::RequestHead& head) {
  if (head.method != "POST") return methodNotAllowed(context, "POST");
  return std::make_unique<NotificationExchange>(context, head.path.substr(kNotifications.size() - 1));
}

std::unique_ptr<Exchange> Router::createChunk(const ExchangeContext& context, const http::RequestHead& head) const {
  auto target = ChunkPath::parse(head.path);
  if (!target) return std::make_unique<ReplyExchange>(context, Problem{400, target.error().message});
  const auto disk = disks_.find(target->disk);
  if (disk == disks_.end()) {
    return std::make_unique<ReplyExchange>(context, Problem{404, "no disk '" + target->disk + "' here"});
  }
  if (head.method == "PUT") {
    PutExchange::Request request;
    request.target = std::move(*target);
    request.contentLength = head.contentLength;
    request.maxSize = maxChunkSize_;
    return std::make_unique<PutExchange>(context, *disk->second, std::move(request));
  }
  if (head.method == "GET" || head.method == "HEAD") {
    return std::make_unique<GetExchange>(context, *disk->second, std::move(target->path));
  }
  if (head.method == "DELETE") {
    return std::make_unique<DeleteExchange>(context, *disk->second, std::move(target->path));
  }
  return methodNotAllowed(context, "PUT, GET, HEAD, DELETE");
}

std::string Router::healthJson() const {
  nlohmann::json names = nlohmann::json::array();
  for (const auto& [name, disk] : disks_)
    names.push_back(name);
  return nlohmann::json{{"status", "ok"}, {"disks", std::move(names)}}.dump();
}

}  // namespace peerpulse::storage_node
