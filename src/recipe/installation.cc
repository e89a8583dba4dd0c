#include "peerpulse/recipe/installation.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "manifest.h"
#include "peerpulse/recipe/hosts_file.h"
#include "whole_file.h"

namespace peerpulse::recipe {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHostsPath = "/etc/hosts";
constexpr mode_t kFolderMode = 0755;

using Changes = std::vector<std::string>;

std::optional<std::string> linkTarget(const std::string& path) {
  std::error_code error;
  const fs::path target = fs::read_symlink(path, error);
  if (error) return std::nullopt;
  return target.string();
}

bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

template <typename Own>
const Own* find(const std::vector<Own>& all, const std::string& path) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const Own& each) { return each.path == path; });
  return at == all.end() ? nullptr : &*at;
}

Error foreign(const std::string& path, const char* what) {
  return Error{path + " " + what + ": move it away (or make it what the recipe wants), then try again"};
}

}  // namespace

/// One apply() or undo(): what is on the host, what is wanted, and then the way from one to the other.
class Work {
 public:
  explicit Work(std::string root) : root_(std::move(root)) {}

  Result<void> look() {
    auto text = readWhole(at(kManifestPath));
    if (!text) return text.error();
    if (*text) {
      auto manifest = Manifest::parse(**text);
      if (!manifest) return manifest.error();
      before_ = std::move(*manifest);
      known_ = true;
    }
    auto hosts = readWhole(at(kHostsPath));
    if (!hosts) return hosts.error();
    hosts_ = hosts->value_or("");
    return {};
  }

  /// Whether all that would be replaced or removed is the recipe's own still.
  Result<void> mayReplace(const Plan& plan) {
    for (const OwnFile& file : plan.files) {
      auto now = readWhole(at(file.path));
      if (!now) return now.error();
      if (!*now || **now == file.content || isOurs(file.path, **now)) continue;
      const bool known = find(before_.files, file.path) != nullptr;
      return foreign(file.path, known ? "was changed since the recipe made it" : "is there, and not by a recipe");
    }
    for (const OwnLink& link : plan.links) {
      if (exists(at(link.path)) && linkTarget(at(link.path)) != link.target)
        return foreign(link.path, "is there, and not by a recipe");
    }
    return {};
  }

  /// Of a recipe that was replaced half-way the note has two contents.
  bool isOurs(const std::string& path, const std::string& content) const {
    return std::any_of(before_.files.begin(), before_.files.end(),
                       [&](const OwnFile& file) { return file.path == path && file.content == content; });
  }

  bool known() const { return known_; }
  const Manifest& before() const { return before_; }
  const std::string& hosts() const { return hosts_; }
  Changes& changes() { return changes_; }
  std::string at(const std::string& path) const { return root_ + path; }

  Result<void> put(const std::string& path, const std::string& content, const char* what) {
    auto now = readWhole(at(path));
    if (!now) return now.error();
    if (*now && **now == content) return {};
    if (auto written = writeWhole(at(path), content); !written) return written;
    changes_.push_back(std::string(what) + " " + path);
    return {};
  }

  Result<void> link(const OwnLink& link) {
    if (linkTarget(at(link.path)) == link.target) return {};
    if (::symlink(link.target.c_str(), at(link.path).c_str()) != 0)
      return systemError("cannot make " + at(link.path), errno);
    changes_.push_back("made " + link.path);
    return {};
  }

  /// Of all the folders above it those that are not there yet, outermost first.
  void wantFolders(const std::string& path, std::vector<std::string>& missing) const {
    const std::string folder = path.substr(0, path.rfind('/'));
    if (folder.empty() || exists(at(folder))) return;
    wantFolders(folder, missing);
    if (std::find(missing.begin(), missing.end(), folder) == missing.end()) missing.push_back(folder);
  }

  Result<void> makeFolder(const std::string& path) const {
    if (::mkdir(at(path).c_str(), kFolderMode) != 0 && errno != EEXIST)
      return systemError("cannot make " + at(path), errno);
    return {};
  }

  /// A file or link, if it is the recipe's still.
  Result<void> removeFile(const OwnFile& file) {
    auto now = readWhole(at(file.path));
    if (!now) return now.error();
    if (!*now) return {};
    if (!isOurs(file.path, **now)) {
      changes_.push_back("left " + file.path + ": it was changed since the recipe made it");
      return {};
    }
    return remove(file.path);
  }
  Result<void> removeLink(const OwnLink& link) {
    return linkTarget(at(link.path)) == link.target ? remove(link.path) : Result<void>();
  }
  Result<void> remove(const std::string& path) {
    if (::unlink(at(path).c_str()) != 0 && errno != ENOENT) return systemError("cannot remove " + at(path), errno);
    changes_.push_back("removed " + path);
    return {};
  }

 private:
  const std::string root_;
  Manifest before_;
  bool known_ = false;
  std::string hosts_;
  Changes changes_;
};

Result<std::vector<std::string>> Installation::apply(const Plan& plan) {
  Work work(root_);
  if (auto looked = work.look(); !looked) return looked.error();
  if (auto may = work.mayReplace(plan); !may) return may.error();

  Manifest after{plan.files, plan.links, work.before().folders};
  std::vector<std::string> missing;
  work.wantFolders(kManifestPath, missing);
  for (const OwnFile& file : plan.files)
    work.wantFolders(file.path, missing);
  for (const OwnLink& link : plan.links)
    work.wantFolders(link.path, missing);
  after.folders.insert(after.folders.end(), missing.begin(), missing.end());
  for (const std::string& folder : missing) {
    if (auto made = work.makeFolder(folder); !made) return made.error();
  }
  // First of all what undoes the rest. Of another recipe that this one replaces, too, until it is gone.
  Manifest both = after;
  both.files.insert(both.files.end(), work.before().files.begin(), work.before().files.end());
  both.links.insert(both.links.end(), work.before().links.begin(), work.before().links.end());
  const bool replaces = work.known() && work.before().text() != after.text();
  if (auto noted = work.put(kManifestPath, replaces ? both.text() : after.text(), "wrote"); !noted)
    return noted.error();
  for (const OwnFile& old : work.before().files) {
    if (find(plan.files, old.path) != nullptr) continue;
    if (auto removed = work.removeFile(old); !removed) return removed.error();
  }
  for (const OwnLink& old : work.before().links) {
    if (find(plan.links, old.path) != nullptr) continue;
    if (auto removed = work.removeLink(old); !removed) return removed.error();
  }
  for (const OwnFile& file : plan.files) {
    if (auto put = work.put(file.path, file.content, "wrote"); !put) return put.error();
  }
  for (const OwnLink& link : plan.links) {
    if (auto linked = work.link(link); !linked) return linked.error();
  }
  // Last: from then on names lead to listeners.
  if (auto put = work.put(kHostsPath, withHosts(work.hosts(), plan.hosts), "changed"); !put) return put.error();
  if (replaces) {
    if (auto noted = work.put(kManifestPath, after.text(), "wrote"); !noted) return noted.error();
  }
  return work.changes();
}

Result<std::map<std::string, std::string>> Installation::listens() {
  Work work(root_);
  if (auto looked = work.look(); !looked) return looked.error();
  const OwnFile* config = find(work.before().files, kConfigPath);
  return config == nullptr ? std::map<std::string, std::string>() : listensIn(config->content);
}

Result<std::vector<std::string>> Installation::undo() {
  Work work(root_);
  if (auto looked = work.look(); !looked) return looked.error();
  // Names first: nothing leads to what goes away after it.
  if (auto put = work.put(kHostsPath, withoutHosts(work.hosts()), "changed"); !put) return put.error();
  if (!work.known()) return work.changes();
  for (const OwnLink& link : work.before().links) {
    if (auto removed = work.removeLink(link); !removed) return removed.error();
  }
  for (const OwnFile& file : work.before().files) {
    if (auto removed = work.removeFile(file); !removed) return removed.error();
  }
  if (auto removed = work.remove(kManifestPath); !removed) return removed.error();
  const auto& folders = work.before().folders;
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder)
    (void)::rmdir(work.at(*folder).c_str());  // one that has something else in it by now stays
  return work.changes();
}

}  // namespace peerpulse::recipe
