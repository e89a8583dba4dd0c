// HostsFile: names in the text of /etc/hosts (hosts(5)), put there and taken away so that every other byte stays as it was.
//
// Ours stand in a block between two marks. Lines of others that name one of ours are switched off by a mark in front of them: the
// C library may return all addresses that a file has of a name. Other names on such a line go on in the block.
//
// Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "peerpulse/recipe/plan.h"

namespace peerpulse::recipe {

/// Also of a text that has a block: the new one takes its place. `before`: as `ours`.
std::string withHosts(const std::string& text, const std::vector<HostEntry>& hosts,
                      const std::vector<HostEntry>& before = {});

/// What it was before withHosts(). `ours`: what the block was made of, so that lines which somebody has put into it can be told
/// and stay; without it all of the block goes.
std::string withoutHosts(const std::string& text, const std::vector<HostEntry>& ours = {});

/// How many lines of somebody else's stand in the block.
size_t strangersIn(const std::string& text, const std::vector<HostEntry>& ours);

}  // namespace peerpulse::recipe
