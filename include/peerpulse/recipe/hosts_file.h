// HostsFile: names in the text of /etc/hosts (hosts(5)), put there and taken away so that every other byte stays as it was.
//
// Ours stand in a block between two marks. Lines of others that name one of ours are switched off by a mark in front of them: the
// C library may return all addresses that a file has of a name. Other names on such a line go on in the block.
//
// Pure.
#pragma once

#include <string>
#include <vector>

#include "peerpulse/recipe/plan.h"

namespace peerpulse::recipe {

/// Also of a text that has a block: the new one takes its place.
std::string withHosts(const std::string& text, const std::vector<HostEntry>& hosts);

/// What it was before withHosts().
std::string withoutHosts(const std::string& text);

}  // namespace peerpulse::recipe
