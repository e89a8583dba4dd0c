#include "tls_files.h"

#include <algorithm>
#include <sys/stat.h>
#include <utility>
#include <variant>

#include "peerpulse/config/config.h"
#include "peerpulse/log/log.h"

namespace peerpulse::server {

namespace {

void addFile(std::vector<std::string>& files, const std::string& file) {
  if (!file.empty()) files.push_back(file);
}

std::vector<std::string> filesOf(const net::TlsClientOptions& options) {
  std::vector<std::string> files;
  for (const std::string& file : {options.caFile, options.certificateFile, options.keyFile})
    addFile(files, file);
  return files;
}

std::vector<std::string> filesOf(const net::TlsServerOptions& options) {
  std::vector<std::string> files = options.sniCertificates;
  for (const std::string& file : {options.certificateFile, options.keyFile, options.clientCaFile})
    addFile(files, file);
  return files;
}

Result<net::TlsContextRef> make(const net::TlsClientOptions& options) { return net::TlsContext::client(options); }
Result<net::TlsContextRef> make(const net::TlsServerOptions& options) { return net::TlsContext::server(options); }

uint64_t toSeconds(const std::optional<WallTime>& at) {
  return at ? static_cast<uint64_t>(std::max<time_t>(std::chrono::system_clock::to_time_t(*at), 0)) : 0;
}

std::string joined(const std::vector<std::string>& files) {
  std::string text;
  for (const std::string& file : files)
    text += (text.empty() ? "" : ", ") + file;
  return text;
}

}  // namespace

/// One context, and who uses it.
struct TlsFiles::Source {
  /// What changes with a file's contents: also where one is renamed into its place, or its time is set back.
  struct Stamp {
    ino_t inode = 0;
    off_t size = 0;
    int64_t changed = 0;  // ctime, in nanoseconds
    bool operator==(const Stamp&) const = default;
  };

  std::variant<net::TlsClientOptions, net::TlsServerOptions> options;
  std::string pointer;  // of the first peer that has these options
  std::vector<PeerId> peers;
  std::shared_ptr<net::TlsContextSlot> slot = std::make_shared<net::TlsContextSlot>();
  std::vector<std::string> files;
  std::vector<Stamp> stamps;  // of the files when they were last read
  TimePoint retryAt = TimePoint::max();

  bool serves() const { return std::holds_alternative<net::TlsServerOptions>(options); }
  std::vector<Stamp> stampsNow() const {
    std::vector<Stamp> now;
    for (const std::string& file : files) {
      struct stat is {};
      const bool there = ::stat(file.c_str(), &is) == 0;
      const int64_t changed = int64_t{is.st_ctim.tv_sec} * 1'000'000'000 + is.st_ctim.tv_nsec;
      now.push_back(there ? Stamp{is.st_ino, is.st_size, changed} : Stamp());
    }
    return now;
  }
  // Looked at before they are read: what changes meanwhile is found the next time.
  Result<void> read() {
    stamps = stampsNow();
    auto made = std::visit([](const auto& o) -> Result<net::TlsContextRef> { return make(o); }, options);
    if (!made) return made.error();
    slot->set(std::move(*made));
    return {};
  }
};

TlsFiles::TlsFiles(event::Scheduler& scheduler, stats::Stats& stats) : scheduler_(scheduler), stats_(stats) {}

TlsFiles::~TlsFiles() = default;

template <typename Options>
net::TlsSlotRef TlsFiles::slotFor(const Options& options, PeerId peer, const std::string& pointer) {
  auto at = std::find_if(sources_.begin(), sources_.end(), [&](const auto& source) {
    const auto* other = std::get_if<Options>(&source->options);
    return other != nullptr && *other == options;
  });
  if (at == sources_.end()) {
    auto source = std::make_unique<Source>();
    source->options = options;
    source->pointer = pointer;
    source->files = filesOf(options);
    at = sources_.insert(at, std::move(source));
  }
  (*at)->peers.push_back(peer);
  return (*at)->slot;
}

proxy::ProxyOptions TlsFiles::prepare(proxy::ProxyOptions options) {
  for (proxy::PeerOptions& peer : options.peers) {
    const bool store = peer.role == proxy::Role::kStore;
    const std::string pointer = config::pointerTo(peer, "tls");
    const auto client = [&](net::TlsClientOptions shared, const std::string& where) {
      shared.serverName.clear();  // each connection's own
      stats_.peer(peer.id).tlsUpstream.enabled.set(1);
      return slotFor(shared, peer.id, where);
    };
    if (peer.tls.enabled) peer.tlsContext = client(peer.tls, pointer + "/upstream");
    if (peer.link.mode != upstream::LinkMode::kOff) peer.link.tlsContext = client(peer.link.tls, "/link/tls");
    if (peer.tlsDownstream.enabled() && guard::carries(peer.mode)) {
      peer.tlsDownstreamContext = slotFor(peer.tlsDownstream, peer.id, store ? pointer : pointer + "/downstream");
      stats_.peer(peer.id).tlsDownstream.enabled.set(1);
    }
  }
  return options;
}

Result<void> TlsFiles::load() {
  for (const auto& source : sources_) {
    if (auto read = source->read(); !read) return Error{source->pointer + ": " + read.error().message};
    showExpiry(*source);
  }
  return {};
}

void TlsFiles::watch() {
  const bool any = std::any_of(sources_.begin(), sources_.end(), [](const auto& s) { return !s->files.empty(); });
  if (!any) return;
  timer_ = scheduler_.createTimer([this] { look(); });
  timer_->enable(kLook);
}

void TlsFiles::look() {
  const TimePoint now = scheduler_.now();
  for (const auto& source : sources_) {
    if (source->stampsNow() == source->stamps && now < source->retryAt) continue;
    const Result<void> read = source->read();
    source->retryAt = read ? TimePoint::max() : now + kRetry;
    (read ? stats_.tlsReloads : stats_.tlsReloadsFailed).add();
    log::Fields fields;
    fields.add("where", source->pointer).add("files", joined(source->files));
    if (read) {
      showExpiry(*source);
      const auto& notAfter = source->slot->get()->notAfter();
      if (notAfter) fields.add("expires", formatRfc3339(*notAfter));
      log::write(log::Level::kInfo, "tls_reloaded", fields);
    } else {
      fields.add("error", read.error().message).add("details", "what was read before stays in use");
      log::write(log::Level::kError, "tls_reload_failed", fields);
    }
  }
  timer_->enable(kLook);
}

void TlsFiles::showExpiry(const Source& source) {
  const uint64_t at = toSeconds(source.slot->get()->notAfter());
  for (const PeerId peer : source.peers) {
    stats::CertificateStats& stats = stats_.peer(peer).certificates;
    (source.serves() ? stats.listener : stats.client).set(at);
  }
}

}  // namespace peerpulse::server
