#include "name_json.h"

namespace peerpulse::admin {

Json nameJson(const std::optional<NameView>& view) {
  if (!view) return nullptr;
  Json error = nullptr;
  if (!view->error.empty()) error = {{"error", view->error}, {"details", view->details}};
  Json age = nullptr;
  if (view->goodAge) age = std::chrono::duration_cast<milliseconds>(*view->goodAge).count();
  return {{"name", view->name},
          {"state", view->state},
          {"unused", view->unused},
          {"error", std::move(error)},
          {"answered_ms", std::move(age)}};
}

}  // namespace peerpulse::admin
