#include "request_ledger.h"

#include <algorithm>
#include <charconv>

#include "peerpulse/base/assert.h"

namespace peerpulse::sim {

using Sight = RequestEntry::Sight;

const char* toString(Wish wish) {
  switch (wish) {
    case Wish::kGet: return "get";
    case Wish::kHead: return "head";
    case Wish::kPut: return "put";
    case Wish::kChunkedPut: return "chunked put";
    case Wish::kGrpc: return "grpc";
    case Wish::kTunnel: return "tunnel";
  }
  return "?";
}

const char* toString(ClientEnd end) {
  switch (end) {
    case ClientEnd::kComplete: return "complete";
    case ClientEnd::kReset: return "reset";
    case ClientEnd::kCancelled: return "cancelled";
  }
  return "?";
}

RequestEntry& RequestLedger::add(uint8_t peer, Wish wish, TimePoint now) {
  RequestEntry& entry = entries_.emplace_back();
  entry.id = entry.bodyOf = static_cast<uint32_t>(entries_.size());
  entry.peer = peer;
  entry.wish = wish;
  entry.began = entry.progress = now;
  return entry;
}

RequestEntry& RequestLedger::open(uint8_t peer, Wish wish, TimePoint now) {
  RequestEntry& entry = add(peer, wish, now);
  live_.push_back(entry.id);
  return entry;
}

RequestEntry& RequestLedger::openLeg(uint8_t peer, Wish wish, TimePoint now) {
  RequestEntry& entry = add(peer, wish, now);
  entry.honest = false;
  return entry;
}

RequestEntry* RequestLedger::find(std::string_view text) {
  uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id == 0 || id > entries_.size()) return nullptr;
  return &entry(id);
}

// All legs of an operation have its number: which of them it is shows where it arrives.
RequestEntry* RequestLedger::find(const http::RequestHead& head, uint8_t peer) {
  RequestEntry* first = find(head.headers.find(kIdField));
  if (first == nullptr || first->legs == 0) return first;
  uint32_t leg = peer;
  if (first->byDisk) {
    std::string_view path = head.path;
    path.remove_prefix(std::min(path.size(), kDiskPath.size()));
    (void)std::from_chars(path.data(), path.data() + path.size(), leg);
  }
  if (leg < first->legs) {
    RequestEntry& found = entry(first->id + leg);
    if (found.peer == peer && found.asked) return &found;
  }
  breaks_.broken(peer, "18: asked, and not meant");
  return nullptr;
}

// --- at peers ----------------------------------------------------------------------------------------------------

void RequestLedger::seen(uint32_t id, TimePoint now) {
  RequestEntry& request = entry(id);
  const Sight before = request.sight;
  // What a peer did or said may not have arrived: all that is lost on a connection looks alike from the other side.
  if (before != Sight::kNone && before != Sight::kRefused) {
    ++request.replays;
    if (!request.safe() || !retry_.replayIdempotent || request.replays > 1) {
      breaks_.broken(request.peer, "12: sent a second time, and the first may have been processed");
    }
  }
  ++request.sights;
  if (request.sights > 1 + retry_.maxRetries) breaks_.broken(request.peer, "8: too many retries");
  request.sight = Sight::kLive;
  request.bodyAtPeer = 0;
  request.bodyEnded = false;
  request.progress = now;
  note(request, "seen", request.sights, now);
}

void RequestLedger::refused(uint32_t id, TimePoint now) {
  entry(id).sight = Sight::kRefused;
  note(entry(id), "refused", 0, now);
}

void RequestLedger::lost(uint32_t id, TimePoint now) {
  RequestEntry& request = entry(id);
  request.peerFailed = true;
  note(request, "lost", 0, now);
  if (request.sight == Sight::kLive) request.sight = Sight::kLost;
}

void RequestLedger::powerLost(uint8_t peer) {
  for (const uint32_t id : live_) {
    if (entry(id).peer == peer && entry(id).sights > 0) entry(id).peerFailed = true;
  }
}

void RequestLedger::bodyArrived(uint32_t id, uint64_t bytes, bool matches, TimePoint now) {
  RequestEntry& request = entry(id);
  request.bodyAtPeer += bytes;
  request.progress = now;
  if (!matches) breaks_.broken(request.peer, "16: a request's body arrived changed");
  if (request.wish != Wish::kTunnel && request.bodyAtPeer > request.bodySize) {
    breaks_.broken(request.peer, "16: a request's body arrived longer than it was");
  }
}

void RequestLedger::bodyEnded(uint32_t id) {
  RequestEntry& request = entry(id);
  request.bodyEnded = true;
  if (request.wish != Wish::kTunnel && request.bodyAtPeer != request.bodySize) {
    breaks_.broken(request.peer, "16: a truncated request ended in order");
  }
}

void RequestLedger::answering(uint32_t id, int status, TimePoint now) {
  RequestEntry& request = entry(id);
  request.status = status;
  request.early = !request.bodyEnded;
  request.answerSent = 0;
  request.answerComplete = false;
  request.sight = Sight::kAnswered;
  request.progress = now;
  note(request, "answering", status, now);
}

void RequestLedger::answered(uint32_t id, TimePoint now) {
  RequestEntry& request = entry(id);
  request.answerComplete = true;
  if (request.saidYes || request.status < 200 || request.status >= 300) return;
  request.saidYes = true;
  request.saidYesAt = now;
}

// --- at clients --------------------------------------------------------------------------------------------------

void RequestLedger::received(uint32_t id, uint64_t bytes, bool matches, TimePoint now) {
  RequestEntry& request = entry(id);
  if (request.ended) breaks_.broken(request.peer, "9: data after the end");
  request.received += bytes;
  request.progress = now;
  if (!matches) breaks_.broken(request.peer, "16: an answer's body arrived changed");
}

void RequestLedger::ended(uint32_t id, ClientEnd how, TimePoint now) {
  RequestEntry& request = entry(id);
  if (request.ended) {
    breaks_.broken(request.peer, "9: a request ended twice");
    return;
  }
  request.ended = true;
  request.end = how;
  request.progress = now;
  std::erase(live_, id);
  note(request, toString(how), request.statusSeen, now);
  if (request.honest && request.failed()) failed_.push_back(id);
  if (how == ClientEnd::kComplete) {
    ++complete_;
    if (!request.local) checkComplete(request);
  }
}

void RequestLedger::checkComplete(const RequestEntry& request) {
  if (request.sights == 0) {
    breaks_.broken(request.peer, "16: answered in the peer's name, which has not seen it");
  } else if (request.statusSeen != request.status) {
    breaks_.broken(request.peer, "16: another status than the peer's");
  } else if (request.wish == Wish::kTunnel) {
    return;
  } else if (!request.answerComplete || request.received != request.answerSent) {
    breaks_.broken(request.peer, "16: a truncated answer ended in order");
  }
}

void RequestLedger::note(const RequestEntry& request, const char* what, int64_t detail, TimePoint now) {
  const auto at = static_cast<uint64_t>(now.time_since_epoch().count());
  digest_ = (digest_ ^ (at + request.id * 1'000 + static_cast<uint64_t>(detail))) * 0x100000001b3u;
  log_.add({now, what, request.peer, request.id, detail, toString(request.wish), request.honest ? "" : "hostile"});
}

}  // namespace peerpulse::sim
