#include <utility>

#include "command.h"
#include "json_field.h"
#include "peerpulse/admin/token.h"
#include "printable.h"

namespace peerpulse::cli {

int overrideCommand(const AdminClient& admin, const OverrideOrder& order, const Terminal& terminal) {
  Json body = {{"state", order.state}};
  if (!order.ttl.empty()) body["ttl"] = order.ttl;
  if (!order.why.empty()) body["why"] = order.why;
  std::string token;
  if (!order.tokenFile.empty()) {
    auto read = admin::readToken(order.tokenFile);
    if (!read) {
      return failed(terminal, Error{"--token-file: " + read.error().message});
    }
    token = std::move(*read);
  }
  const auto answer = admin.override(order.peer, body, token);
  if (!answer) return failed(terminal, answer.error());
  if (terminal.json()) {
    terminal.showJsonText(answer->text);
    return kExitOk;
  }
  const std::string peer = printable(order.peer);
  if (order.state == "auto") {
    terminal.show(peer + ": the verdict decides again\n");
    return kExitOk;
  }
  const std::string ttl = textAt(answer->json, "/ttl");
  terminal.show(
      peer + ": circuit held " + order.state +
      (order.state == "open" ? " (its requests fail at once)" : " (its requests flow, whatever its verdict)") +
      (ttl.empty() ? " until `peerpulse override " + peer + " auto`" : ", for " + ttl) + "\n");
  return kExitOk;
}

}  // namespace peerpulse::cli
