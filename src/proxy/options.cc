#include "peerpulse/proxy/options.h"

namespace peerpulse::proxy {

const char* toString(Preset preset) {
  switch (preset) {
    case Preset::kGeneric: return "generic";
    case Preset::kRustfs: return "rustfs";
    case Preset::kMinio: return "minio";
    case Preset::kSwift: return "swift";
  }
  return "?";
}

const char* toString(OnDead onDead) {
  switch (onDead) {
    case OnDead::kRespond: return "respond";
    case OnDead::kRefuse: return "refuse";
  }
  return "?";
}

const char* toString(Role role) {
  switch (role) {
    case Role::kPeer: return "peer";
    case Role::kStore: return "store";
  }
  return "?";
}

}  // namespace peerpulse::proxy
