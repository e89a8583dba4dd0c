// Field: one key of the configuration, bound to the variable it sets. Reading a value, checking its range,
// writing it out again and listing the known keys all go by the one list of fields (fields.h).
//
// Ownership: a Field refers into a Config (or a part of one) that must stay where it is.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "error_list.h"
#include "json_document.h"
#include "peerpulse/base/endpoint.h"
#include "peerpulse/base/time.h"
#include "peerpulse/fanout/options.h"

namespace peerpulse::config {

struct DurationField {
  Duration* value;
  Duration min;
  Duration max;
  bool zeroMeansNone = false;
  bool wholeSeconds = false;  ///< the kernel takes seconds
};
/// A duration, or "auto".
struct TimeoutField {
  DurationField fixed;
  bool* automatic;
};
struct CountField {
  uint32_t* value;
  uint32_t min;
  uint32_t max;
};
struct SizeField {
  uint64_t* value;
  uint64_t min;
  uint64_t max;
  bool zeroMeansNone = false;
};
/// Different TCP ports.
struct PortsField {
  std::vector<uint16_t>* value;
  size_t max;
};
struct BoolField {
  bool* value;
};
struct AddressField {
  SocketAddress* value;
  bool optional = false;  ///< "" for none (family AF_UNSPEC)
};
/// A literal address, or a host name and a port.
struct EndpointField {
  Endpoint* value;
};
/// An IP address without a port; "" for none (family AF_UNSPEC).
struct HostField {
  SocketAddress* value;
};
/// DNS servers, each an IP address with or without a port (53).
struct ServersField {
  std::vector<std::string>* value;
  size_t max;
};
/// An enum whose values are 0, 1, 2, ... in the order of `names`.
struct EnumField {
  uint8_t* value;
  std::vector<std::string> names;
};
struct TextField {
  enum class Kind : uint8_t {
    kAny,    ///< any text
    kName,   ///< 1 to 64 of A-Z a-z 0-9 . _ - (it becomes a path segment and a label value)
    kPath,   ///< empty, or beginning with '/'
    kToken,  ///< empty, or an HTTP token (RFC 9110 5.6.2)
    kHost,   ///< empty, a host name (RFC 1123 2.1) or a literal IP address, without a port
  };
  std::string* value;
  Kind kind = Kind::kAny;
};

/// Absolute paths of files.
struct PathsField {
  std::vector<std::string>* value;
  size_t max;
};

/// A program and its arguments: at most 64 strings.
struct CommandField {
  std::vector<std::string>* value;
};

/// Different disks, each as "node5/data/disk2".
struct DisksField {
  std::vector<fanout::Disk>* value;
  size_t max;
};

struct Field {
  std::string pointer;  ///< "/pool/idle_timeout"
  std::variant<DurationField, TimeoutField, CountField, SizeField, PortsField, BoolField, AddressField, EndpointField,
               HostField, ServersField, EnumField, TextField, CommandField, PathsField, DisksField>
      target;
};

/// Sets the variable from `value`, or leaves it alone and adds to `errors` under `where`.
void readField(const Field& field, const Json& value, const std::string& where, ErrorList& errors);
/// The variable's value as the file would have it.
Json writeField(const Field& field);

}  // namespace peerpulse::config
