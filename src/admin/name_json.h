// What DNS says of a peer, as /peers shows it.
#pragma once

#include <optional>

#include "json_response.h"
#include "peerpulse/admin/server.h"

namespace peerpulse::admin {

/// null for a peer whose address is a literal.
Json nameJson(const std::optional<NameView>& view);

}  // namespace peerpulse::admin
