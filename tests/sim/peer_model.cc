#include "peer_model.h"

namespace peerpulse::sim {

namespace {

constexpr uint32_t kToleratedPings = 2;  // grpc: ping strikes

}  // namespace

void PeerModel::reset(const PeerOptions& options) {
  *this = PeerModel();
  options_ = options;
}

void PeerModel::cutPower() {
  powered_ = serving_ = false;
  acceptFull_ = failing_ = false;
  connection_ = 0;
  queued_ = 0;
}

void PeerModel::kill() {
  serving_ = false;
  acceptFull_ = failing_ = false;
  connection_ = 0;
  queued_ = 0;
}

Payload PeerModel::resume() {
  running_ = true;
  queued_ = 0;
  const Payload unread = unread_;
  unread_ = {};
  return connection_ != 0 && !unread.empty() ? answer(unread) : Payload{};
}

PeerModel::SynAnswer PeerModel::syn(bool hostPort) {
  if (!powered_) return SynAnswer::kSilence;
  if (hostPort) return options_.hostPortAnswers ? SynAnswer::kRefused : SynAnswer::kSilence;
  if (!serving_) return SynAnswer::kRefused;
  if (acceptsNone()) return SynAnswer::kSilence;
  if (!running_) ++queued_;
  return SynAnswer::kAccepted;
}

bool PeerModel::echo(TimePoint now) {
  if (!powered_ || !options_.answersEchoes || echoesFiltered_) return false;
  if (now - echoSecond_ >= seconds(1)) {
    echoSecond_ = now;
    echoes_ = 0;
  }
  return options_.echoesPerSecond == 0 || ++echoes_ <= options_.echoesPerSecond;
}

void PeerModel::accepted(uint32_t connection) {
  connection_ = connection;
  pings_ = 0;
  closed_ = false;
  unread_ = {};
}

Payload PeerModel::read(const Payload& payload) {
  if (running_) return answer(payload);
  unread_.append(payload);
  return {};
}

Payload PeerModel::answer(const Payload& payload) {
  Payload out;
  if (closed_) return out;
  if (payload.flags & Payload::kHealth) {  // a request asks for it
    if (options_.answersRequests) out.flags = Payload::kHealth;
    if (!out.empty() && options_.closesAfterEach) out.flags |= Payload::kFin;
    closed_ = (out.flags & Payload::kFin) != 0;
    return out;
  }
  if (!options_.speaksHttp2) {
    out.flags = Payload::kNotHttp2 | Payload::kFin;
    closed_ = true;
    return out;
  }
  if (payload.flags & Payload::kBytes) out.flags = Payload::kBytes;  // SETTINGS
  pings_ += payload.pings();
  out.first = payload.first;
  out.last = payload.last;
  if (options_.polices && pings_ > kToleratedPings) {
    const uint32_t refused = pings_ - kToleratedPings;
    out.last = refused >= out.pings() ? out.first - 1 : out.last - refused;
    out.flags |= Payload::kGoAway | Payload::kFin;
    closed_ = true;
  }
  return out;
}

}  // namespace peerpulse::sim
