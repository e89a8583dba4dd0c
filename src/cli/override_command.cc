#include <utility>

#include "command.h"
#include "json_field.h"
#include "peerpulse/admin/token.h"
#include "text.h"

namespace peerpulse::cli {

int overrideCommand(const AdminClient& admin, const OverrideOrder& order, const Terminal& terminal) {
  Json body = {{"state", order.state}};
  if (!order.ttl.empty()) body["ttl"] = order.ttl;
  if (!order.why.empty()) body["why"] = order.why;
  std::string token;
  if (!order.tokenFile.empty()) {
    auto read = admin::readToken(order.tokenFile);
    if (!read) {
      terminal.err << "peerpulse: --token-file: " << read.error().message << "\n";
      return kExitUsage;
    }
    token = std::move(*read);
  }
  const auto answer = admin.post("/peers/" + pathSegment(order.peer) + "/circuit", body, token);
  if (!answer) return failed(terminal, answer.error());
  if (terminal.json) {
    terminal.out << answer->text;
    return kExitOk;
  }
  const std::string peer = printable(order.peer);
  if (order.state == "auto") {
    terminal.out << peer << ": the verdict decides again\n";
    return kExitOk;
  }
  const std::string ttl = textAt(answer->json, "/ttl");
  terminal.out << peer << ": circuit held " << order.state
               << (order.state == "open" ? " (its requests fail at once)"
                                         : " (its requests flow, whatever its verdict)")
               << (ttl.empty() ? " until `peerpulse override " + peer + " auto`" : ", for " + ttl) << "\n";
  return kExitOk;
}

}  // namespace peerpulse::cli
