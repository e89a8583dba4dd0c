#include "command.h"
#include "peers_page.h"
#include "words.h"

namespace peerpulse::cli {

int peersCommand(const AdminClient& admin, const std::string& name, const Terminal& terminal) {
  const bool one = !name.empty();
  const auto answer = one ? admin.peer(name) : admin.peers();
  if (!answer) return failed(terminal, answer.error());
  if (terminal.json()) {
    terminal.showJsonText(answer->text);
  } else {
    terminal.show(one ? peerText(answer->json, wallNow()) : peersText(answer->json, wallNow()));
  }
  return kExitOk;
}

}  // namespace peerpulse::cli
