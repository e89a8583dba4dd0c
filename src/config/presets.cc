#include "presets.h"

#include "peerpulse/upstream/options.h"

namespace peerpulse::config {

namespace {

using proxy::OnDead;
using proxy::Route;
using upstream::ClassTimeouts;
using upstream::TrafficClass;

constexpr const char* kGrpc = "application/grpc";

std::vector<Route> genericRoutes() {
  return {
      {"grpc", "", "", kGrpc, TrafficClass::kStream},
      {"put", "PUT", "", "", TrafficClass::kBulk},
      {"post", "POST", "", "", TrafficClass::kBulk},
      {"get", "GET", "", "", TrafficClass::kBulk},
      defaultRoute(),
  };
}

// All used gRPC calls of RustFS are unary with a client deadline. Shards go over plain HTTP; the prefix of
// put_file_stream covers put_file_stream_v1. walk_dir and ns_scanner stream their answers for as long as it
// takes.
std::vector<Route> rustfsRoutes() {
  return {
      {"grpc", "", "", kGrpc, TrafficClass::kControl},
      {"put_file_stream", "PUT", "/rustfs/rpc/put_file_stream", "", TrafficClass::kBulk},
      {"read_file_stream", "GET", "/rustfs/rpc/read_file_stream", "", TrafficClass::kBulk},
      {"walk_dir", "", "/rustfs/rpc/walk_dir", "", TrafficClass::kStream},
      {"ns_scanner", "", "/rustfs/rpc/ns_scanner", "", TrafficClass::kStream},
      defaultRoute(),
  };
}

// Grid WebSockets carry locks and metadata for the life of a node. Storage REST paths name the disk before
// the method (/minio/storage/<disk>/v63/createfile), so a prefix cannot tell the bodies from the rest: all
// are bulk. Proxied S3 requests carry objects.
std::vector<Route> minioRoutes() {
  return {
      {"grid", "", "/minio/grid/", "", TrafficClass::kStream},
      {"storage", "", "/minio/storage/", "", TrafficClass::kBulk},
      {"minio", "", "/minio/", "", TrafficClass::kControl},
      {"put", "PUT", "", "", TrafficClass::kBulk},
      {"get", "GET", "", "", TrafficClass::kBulk},
      defaultRoute(),
  };
}

std::vector<Route> swiftRoutes() {
  return {
      {"put", "PUT", "", "", TrafficClass::kBulk},
      {"get", "GET", "", "", TrafficClass::kBulk},
      defaultRoute(),
  };
}

ClassTimeouts& timeouts(Config& config, TrafficClass trafficClass) {
  return config.proxy.timeouts[static_cast<size_t>(trafficClass)];
}

}  // namespace

Route defaultRoute() { return {"default", "", "", "", TrafficClass::kControl}; }

void applyPreset(proxy::Preset preset, Config& config) {
  const bool generic = preset == proxy::Preset::kGeneric;
  config.onDead = generic ? OnDead::kRespond : OnDead::kRefuse;
  config.proxy.retry.replayIdempotent = generic;
  config.probe.countTimeouts = generic;
  // A storage process passes on the pace of its own clients, however slow.
  if (!generic) timeouts(config, TrafficClass::kBulk).minBytesPerSecond = 0;
  // A store makes hundreds of requests to each peer a second: a line for each would be gigabytes a day.
  using AccessMode = proxy::AccessLogOptions::Mode;
  config.proxy.accessLog.mode = generic ? AccessMode::kAll : AccessMode::kNotable;
  switch (preset) {
    case proxy::Preset::kGeneric: config.proxy.routes = genericRoutes(); return;
    case proxy::Preset::kRustfs:
      config.proxy.routes = rustfsRoutes();
      // Never stricter than the store itself: its RPCs and shard writes wait 30 s.
      timeouts(config, TrafficClass::kControl).request = seconds(30);
      timeouts(config, TrafficClass::kBulk).stall = seconds(30);
      // Its channels ask every 5 s whether the other process lives, and wait 3 s.
      config.probe.stallAfter = seconds(5);
      config.probe.stallOpenAfter = seconds(8);
      // Its h2 (hyper) budgets small frames and resets by the connection: channels that are merged here must not add up.
      config.proxy.pool.maxStreamsPerConnection = 32;
      config.proxy.maxConcurrentStreams = 2048;  // as its own server
      return;
    case proxy::Preset::kMinio:
      config.proxy.routes = minioRoutes();
      // Its single requests wait 60 s; slow storage calls send a filler byte every 10 s.
      timeouts(config, TrafficClass::kControl).request = seconds(60);
      timeouts(config, TrafficClass::kBulk).stall = seconds(30);
      // It closes idle connections after 30 s on one side and 15 s on the other.
      config.proxy.pool.idleTimeout = seconds(15);
      // Its grid drops a connection whose last pong is older.
      config.probe.stallOpenAfter = seconds(20);
      return;
    case proxy::Preset::kSwift:
      config.proxy.routes = swiftRoutes();
      // MAX_HEADER_COUNT is 90 + 36 and more by its extra_header_count; requests with 106 fields and answers with 111 are
      // its everyday.
      config.proxy.maxFields = 256;
      config.probe.stallOpenAfter = seconds(10);  // its node_timeout
      return;
  }
}

void applyProfile(Profile profile, health::ProbeOptions& options) {
  using health::ProbeOptions;
  const ProbeOptions from = profile == Profile::kFast  ? ProbeOptions::fast()
                            : profile == Profile::kWan ? ProbeOptions::wan()
                                                       : ProbeOptions::lan();
  options.interval = from.interval;
  options.suspectAfter = from.suspectAfter;
  options.confirm = from.confirm;
  options.confirmConnects = from.confirmConnects;
  options.confirmConnectsMax = from.confirmConnectsMax;
  options.recoverInterval = from.recoverInterval;
}

}  // namespace peerpulse::config
