#include "section.h"

#include "../field_rules.h"

namespace peerpulse::http::h1 {
namespace {

constexpr size_t kFieldOverhead = 32;

/// Calls `each` with the elements of a comma separated list, without empty ones.
template <class Each>
void forEachElement(std::string_view list, Each each) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view one = trimmed(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    if (!one.empty()) each(one);
  }
}

void see(SingleField& field, std::string_view value) {
  if (field.count++ == 0) field.value = value;
}

void addOption(ConnectionOptions& out, std::string_view option) {
  if (equalsIgnoreCase(option, "close")) {
    out.close = true;
  } else if (equalsIgnoreCase(option, "keep-alive")) {
    out.keepAlive = true;
  } else if (equalsIgnoreCase(option, "upgrade")) {
    out.upgrade = true;
  } else if (!isToken(option)) {
    out.fault = Fault{400, "malformed Connection"};
  } else {
    switch (kindOf(option)) {
      case FieldKind::kHost:
      case FieldKind::kContentLength:
      case FieldKind::kTransferEncoding:
      case FieldKind::kAuthorization:
        // Stripping these would change the message's framing, target or credentials (faults C4).
        out.fault = Fault{400, "Connection names a field that must stay"};
        break;
      default: out.others.push_back(option);
    }
  }
}

void addProtocols(std::string& out, std::string_view list) {
  forEachElement(list, [&out](std::string_view protocol) {
    if (equalsIgnoreCase(protocol, "h2c") || equalsIgnoreCase(protocol, "h2")) return;
    if (!out.empty()) out.append(", ");
    out.append(protocol);
  });
}

struct Line {
  std::string_view name;
  std::string_view value;
  FieldKind kind = FieldKind::kOther;
};

/// Takes the first line from `lines`.
std::optional<Fault> nextLine(std::string_view& lines, const CodecLimits& limits, SectionBudget& budget, Line& out) {
  const std::string_view line = lines.substr(0, lines.find('\r'));
  lines.remove_prefix(line.size() + 2);
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Fault{400, "field without colon"};
  out.name = line.substr(0, colon);
  if (!isToken(out.name)) return Fault{400, "field name is no token"};
  out.value = trimmed(line.substr(colon + 1));
  budget.size += out.name.size() + out.value.size() + kFieldOverhead;
  if (++budget.count > limits.maxHeaderCount) return Fault{431, "too many fields"};
  if (budget.size > limits.maxHeaderListSize) return Fault{431, "header section over the limit"};
  out.kind = kindOf(out.name);
  if (out.kind == FieldKind::kImitation) return Fault{400, "field name imitates a framing field"};
  return std::nullopt;
}

/// False: the field is ours alone.
bool passes(const Line& line, SectionOf message, Section& section) {
  switch (line.kind) {
    case FieldKind::kContentLength: see(section.contentLength, line.value); return true;
    case FieldKind::kExpect:
      see(section.expect, line.value);
      if (!equalsIgnoreCase(line.value, "100-continue")) section.expect.value = line.value;
      return true;
    case FieldKind::kTransferEncoding: see(section.transferEncoding, line.value); return false;
    case FieldKind::kHost: see(section.host, line.value); return message == SectionOf::kResponse;
    case FieldKind::kConnection:
      forEachElement(line.value, [&](std::string_view option) {
        if (!section.connection.fault) addOption(section.connection, option);
      });
      return false;
    case FieldKind::kUpgrade: addProtocols(section.upgrade, line.value); return false;
    case FieldKind::kTe:
      forEachElement(line.value, [&](std::string_view coding) {
        if (equalsIgnoreCase(coding, "trailers")) section.teTrailers = true;
      });
      return false;
    default: return !isConnectionField(line.kind);
  }
}

}  // namespace

std::optional<Fault> parseHeaderLines(std::string_view lines, SectionOf message, const CodecLimits& limits,
                                      SectionBudget& budget, Section& section, HeaderList& fields) {
  while (!lines.empty()) {
    Line line;
    if (auto fault = nextLine(lines, limits, budget, line)) return fault;
    if (passes(line, message, section)) fields.add(line.name, line.value);
  }
  const ConnectionOptions& connection = section.connection;
  if (connection.fault) return connection.fault;
  if (connection.close) fields.remove("close");
  for (const std::string_view name : connection.others)
    fields.remove(name);
  if (!connection.upgrade) section.upgrade.clear();
  if (section.teTrailers && message == SectionOf::kRequest) fields.add("te", "trailers");
  return std::nullopt;
}

std::optional<Fault> parseTrailerLines(std::string_view lines, const CodecLimits& limits, SectionBudget& budget,
                                       HeaderList& fields) {
  while (!lines.empty()) {
    Line line;
    if (auto fault = nextLine(lines, limits, budget, line)) return fault;
    if (!isForbiddenTrailer(line.kind)) fields.add(line.name, line.value);
  }
  return std::nullopt;
}

}  // namespace peerpulse::http::h1
