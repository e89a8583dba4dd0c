// RelayedConnection: a client's connection and the one to the target made for it, with the bytes of each written to
// the other. It looks at none of them.
//
//   Carrying --an end of input in both directions, all written--> Closed
//   Carrying --either socket fails--> Closed (the other one is reset: a truncated stream never ends cleanly)
// An end of input in one direction is passed on and leaves the other direction as it is.
//
// Threading: the loop's thread.
// Ownership: its own, until it is Closed; it retires itself then.
#pragma once

#include "block_pool.h"
#include "epoll_loop.h"
#include "peerpulse/base/address.h"

namespace peerpulse::bench {

class RelayedConnection : public LoopObject {
 public:
  /// Connects to `target`. A client for which that cannot be begun is reset.
  static void start(EpollLoop& loop, BlockPool& blocks, Fd client, const SocketAddress& target);

 private:
  /// One of the two sockets, and what it is known to be ready for.
  struct End : EventHandler {
    End(RelayedConnection& relayed, Fd socket) : owner(relayed), fd(std::move(socket)) {}
    void onEvents(uint32_t events) override;

    RelayedConnection& owner;
    Fd fd;
    bool readable = false;
    bool writable = false;
    bool hungUp = false;    ///< an end of input is there or on its way
    bool ended = false;     ///< the end of input was read
    bool finished = false;  ///< and the other one's was passed on to this
  };

  /// What was read from one end and is not yet written to the other.
  struct Flow {
    BlockPool::Block block;
    size_t begin = 0;
    size_t end = 0;
  };

  // Bytes of one direction in one turn, before the other connections get theirs.
  static constexpr size_t kTurnLimit = 4 * BlockPool::kBlockSize;

  RelayedConnection(EpollLoop& loop, BlockPool& blocks, Fd client, Fd upstream)
      : loop_(loop), blocks_(blocks), client_(*this, std::move(client)), upstream_(*this, std::move(upstream)) {}

  void carry();
  // False: a socket has failed.
  bool move(End& from, End& to, Flow& flow);
  bool read(End& from, Flow& flow);
  bool write(End& to, Flow& flow);
  bool passOnEnd(End& to);
  void close(bool failed);

  EpollLoop& loop_;
  BlockPool& blocks_;
  End client_;
  End upstream_;
  Flow toUpstream_;
  Flow toClient_;
  bool closed_ = false;
};

}  // namespace peerpulse::bench
