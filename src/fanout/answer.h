// Answer: what the API says to its caller, and how the legs of an operation look in it (design section 6).
//
//   {"operation":"quorum","required":3,"achieved":3,"peers":[
//     {"peer":"node2","state":"ok","status":200,"took_ms":1.2},
//     {"peer":"node3","state":"offline","error":"destination_unavailable","party":"peer","details":"...","took_ms":0.0}]}
//
// An aggregate has each peer's answer, too: as `body` where it is JSON, as `text` where it is text, else as `base64`.
//
// The words of `state`: ok (2xx), error (another status), offline (dead, or its circuit is open), timeout, failed,
// too_large (its answer), digest_mismatch (it acknowledges another Content-Digest than was sent), cancelled, pending (still
// under way). `uncertain`: the peer had all of a request that changes something, and whether it took effect is not known.
//
// A leg that was hedged has `hedge`: won (the one request more has the answer), lost (another one was sooner), failed.
//
// Threading: pure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "call.h"
#include "leg.h"
#include "quorum_tally.h"

namespace peerpulse::fanout {

struct Answer {
  int status = 200;
  std::string body;  ///< JSON
  http::HeaderList headers;
};

using Legs = std::vector<std::unique_ptr<Leg>>;

/// One of the words above.
const char* stateWord(const Leg& leg);

/// One of those of `hedge`; null: it was not hedged.
const char* hedgeWord(const Leg& leg);

Answer refusalAnswer(const Refusal& refusal);
Answer quorumAnswer(const Legs& legs, const QuorumTally& tally);
Answer aggregateAnswer(const Legs& legs);
Answer notifyAnswer(const Legs& legs);
/// The last leg may have acknowledged; `targetOf` by leg, into the call's.
Answer erasureAnswer(const Call& call, const Legs& legs, const std::vector<size_t>& targetOf);

}  // namespace peerpulse::fanout
