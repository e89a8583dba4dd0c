// TlsFiles: the TLS contexts of all peers, made of the files that the configuration names, and made anew when these change: new
// connections take the new ones, those that are open keep theirs. Peers with the same settings share one context.
//
// A certificate and its key are two files, and somebody replaces one after the other: what does not fit together is not taken,
// the contexts before stay in use, and it is tried again when a file changes, or after kRetry.
//
// Threading: the main thread's; what it gave to the peers may be used by any. Reading takes some milliseconds (the system's
//   authorities: some ten), at the start and when files change.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "peerpulse/base/result.h"
#include "peerpulse/base/time.h"
#include "peerpulse/event/scheduler.h"
#include "peerpulse/net/tls_context.h"
#include "peerpulse/proxy/options.h"
#include "peerpulse/stats/stats.h"

namespace peerpulse::server {

class TlsFiles {
 public:
  static constexpr Duration kLook = seconds(1);
  static constexpr Duration kRetry = seconds(30);

  TlsFiles(event::Scheduler& scheduler, stats::Stats& stats);
  ~TlsFiles();
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  /// The same options with a slot wherever TLS is spoken; the slots are empty until load(). Once.
  proxy::ProxyOptions prepare(proxy::ProxyOptions options);
  /// Reads all files. The error names the peer's key and the file.
  Result<void> load();
  /// From now on every kLook.
  void watch();

 private:
  struct Source;

  template <typename Options>
  net::TlsSlotRef slotFor(const Options& options, PeerId peer, const std::string& pointer);
  void look();
  void showExpiry(const Source& source);

  event::Scheduler& scheduler_;
  stats::Stats& stats_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::unique_ptr<event::Timer> timer_;
};

}  // namespace peerpulse::server
