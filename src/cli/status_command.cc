#include "command.h"
#include "status_page.h"

namespace peerpulse::cli {

int statusCommand(const AdminClient& admin, const Terminal& terminal) {
  const auto cluster = admin.cluster();
  if (!cluster) return failed(terminal, cluster.error());
  const auto peers = admin.peers();
  if (!peers) return failed(terminal, peers.error());
  if (terminal.json()) {
    terminal.showJson({{"cluster", cluster->json}, {"peers", peers->json}});
  } else {
    terminal.show(statusText(cluster->json, peers->json, wallNow()));
  }
  return statusExit(cluster->json, peers->json);
}

}  // namespace peerpulse::cli
