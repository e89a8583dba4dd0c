#include "peerpulse/fanout/api.h"

#include <utility>

#include "api_connection.h"
#include "run.h"

namespace peerpulse::fanout {

Api::Api(Environment environment) : environment_(std::move(environment)) {}

Api::~Api() { abortAll(); }

void Api::accept(std::unique_ptr<net::Transport> transport) {
  if (connections_.size() >= kMaxConnections) return;  // closed at once: better than a client that waits
  connections_.push_front(std::make_unique<ApiConnection>(*this, std::move(transport)));
  connections_.front()->self = connections_.begin();
}

void Api::drain() {
  for (auto next = connections_.begin(); next != connections_.end();)
    (*next++)->drain();
}

void Api::abortAll() {
  while (!connections_.empty())
    connections_.front()->abort("the process ends");
  while (!runs_.empty())
    runs_.front()->abandon();
}

void Api::sweep() {
  const TimePoint at = loopTime();
  for (auto next = connections_.begin(); next != connections_.end();)
    (*next++)->expire(at);
}

Run& Api::begin(std::unique_ptr<Run> run) {
  runs_.push_front(std::move(run));
  runs_.front()->self = runs_.begin();
  return *runs_.front();
}

void Api::remove(Run& run) {
  const auto place = run.self;
  environment_.scheduler.deferredDelete(std::move(*place));
  runs_.erase(place);
}

void Api::remove(ApiConnection& connection) {
  const auto place = connection.self;
  environment_.scheduler.deferredDelete(std::move(*place));
  connections_.erase(place);
}

}  // namespace peerpulse::fanout
