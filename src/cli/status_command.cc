#include "command.h"
#include "status_page.h"

namespace peerpulse::cli {

int statusCommand(const AdminClient& admin, const Terminal& terminal) {
  const auto cluster = admin.get("/cluster");
  if (!cluster) return failed(terminal, cluster.error());
  const auto peers = admin.get("/peers");
  if (!peers) return failed(terminal, peers.error());
  if (terminal.json) {
    printJson(terminal, {{"cluster", cluster->json}, {"peers", peers->json}});
  } else {
    terminal.out << statusText(cluster->json, peers->json, wallNow());
  }
  return statusExit(cluster->json, peers->json);
}

}  // namespace peerpulse::cli
