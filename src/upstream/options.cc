#include "peerpulse/upstream/options.h"

namespace peerpulse::upstream {

const char* toString(TrafficClass trafficClass) {
  switch (trafficClass) {
    case TrafficClass::kControl: return "control";
    case TrafficClass::kBulk: return "bulk";
    case TrafficClass::kStream: return "stream";
  }
  return "?";
}

const char* toString(Protocol protocol) {
  switch (protocol) {
    case Protocol::kAuto: return "auto";
    case Protocol::kHttp1: return "http1";
    case Protocol::kHttp2: return "http2";
  }
  return "?";
}

}  // namespace peerpulse::upstream
