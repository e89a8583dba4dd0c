// The admin page's files: as they are in src/admin/page/, with an entity tag (a browser asks again, and is told 304), and a
// policy by which they reach nothing but this admin.
#pragma once

#include "handlers.h"
#include "page_asset.h"

namespace peerpulse::admin {

/// 200, or 304 if the client has it.
Response pageResponse(const PageAsset& asset, const Request& request);

}  // namespace peerpulse::admin
