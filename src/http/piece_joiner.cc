#include "piece_joiner.h"

#include <algorithm>
#include <utility>

#include "small_frame.h"

namespace peerpulse::http {

PieceJoiner::Pieces PieceJoiner::take(Slice part, uint64_t left) {
  const size_t total = held_.size() + part.size();
  size_t keep = left > 0 && left < kSmallFrame ? kSmallFrame - static_cast<size_t>(left) : 0;
  if (left > 0 && total < keep + kSmallFrame) keep = total;
  if (keep == total) {
    held_.append(part.view());
    return {};
  }
  Pieces pieces;
  if (keep >= part.size()) {  // of what waits, some goes on
    std::string kept = held_.substr(total - keep).append(part.view());
    held_.resize(total - keep);
    pieces[0] = finish();
    held_ = std::move(kept);
    return pieces;
  }
  const size_t goes = part.size() - keep;
  const std::string kept(part.view().substr(goes));
  if (!held_.empty() && goes < kSmallFrame) {
    held_.append(part.view().substr(0, goes));
    pieces[0] = finish();
  } else {
    pieces = {finish(), keep == 0 ? std::move(part) : part.sub(0, goes)};
  }
  held_ = kept;
  return pieces;
}

Slice PieceJoiner::finish() {
  Slice all = held_.empty() ? Slice() : Slice::copyOf(held_);
  held_.clear();
  return all;
}

}  // namespace peerpulse::http
