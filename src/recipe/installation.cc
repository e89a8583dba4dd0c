#include "peerpulse/recipe/installation.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "manifest.h"
#include "peerpulse/base/fd.h"
#include "peerpulse/recipe/hosts_file.h"
#include "whole_file.h"

namespace peerpulse::recipe {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHostsPath = "/etc/hosts";
constexpr mode_t kFolderMode = 0755;

using Changes = std::vector<std::string>;
using Text = std::optional<std::string>;  ///< nothing: no such file

std::optional<std::string> linkTarget(const std::string& path) {
  std::error_code error;
  const fs::path target = fs::read_symlink(path, error);
  if (error) return std::nullopt;
  return target.string();
}

/// Two recipes at once would each undo what the other has written.
Result<Fd> lock(const std::string& folder) {
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return systemError("cannot open " + folder, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return systemError("cannot lock " + folder, errno);
  return Error{"another recipe is being applied or undone here: try again (`fuser -v " + folder +
                   "` says who has a lock on it)",
               EBUSY};
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
  const bool config = path == kConfigPath;
  return Error{path + " " + what + ": move it away (or make it what the recipe wants" +
               (config ? ": its node, preset and peers as the same command prints them without --apply" : "") +
               "), then try again"};
}

}  // namespace

/// One apply() or undo(): what is on the host, what is wanted, and then the way from one to the other.
class Work {
 public:
  explicit Work(std::string root) : root_(std::move(root)) {}

  Result<void> look() {
    auto locked = lock(root_ + "/etc");
    if (!locked) return locked.error();
    lock_ = std::move(*locked);
    if (auto within = staysWithin(root_, kHostsPath); !within) return within;
    auto hosts = readWhole(at(kHostsPath));
    if (!hosts) return hosts.error();
    hosts_ = std::move(*hosts);
    if (!hosts_ && linkTarget(at(kHostsPath)))
      return Error{at(kHostsPath) + " is a link to nothing: mend or remove it, then try again"};
    return {};
  }
  Result<void> lookAtNote() {
    if (auto within = staysWithin(root_, kManifestPath); !within) return within;
    auto text = readWhole(at(kManifestPath));
    if (!text) return text.error();
    if (!*text) return {};
    auto manifest = Manifest::parse(**text);
    if (!manifest) return manifest.error();
    before_ = std::move(*manifest);
    known_ = true;
    return {};
  }

  /// Whether all that would be replaced or removed is the recipe's own still.
  Result<void> mayReplace(const Plan& plan) {
    // Its addresses are others: for a while names would lead to nobody.
    if (known_ && !before_.store.empty() && before_.store != toString(plan.store))
      return Error{"the recipe for " + before_.store + " is applied here: `peerpulse recipe --undo` first"};
    for (const OwnFile& file : plan.files) {
      if (auto within = staysWithin(root_, file.path); !within) return within;
      if (linkTarget(at(file.path))) return foreign(file.path, "is a link, and not by a recipe");
      auto now = readWhole(at(file.path));
      if (!now) return now.error();
      if (!*now || **now == file.content || isOurs(file.path, **now)) continue;
      if (file.path == kConfigPath && carriesOut(**now, plan)) {
        adopted_.insert(file.path);
        continue;
      }
      const bool known = find(before_.files, file.path) != nullptr;
      return foreign(file.path, known ? "was changed since the recipe made it" : "is there, and not by a recipe");
    }
    for (const OwnLink& link : plan.links) {
      if (auto within = staysWithin(root_, link.path.substr(0, link.path.rfind('/'))); !within) return within;
      if (exists(at(link.path)) && linkTarget(at(link.path)) != link.target)
        return foreign(link.path, "is there, and not by a recipe");
    }
    if (hosts_ && *hosts_ != hostsFor(plan) && ::access(at(kHostsPath).c_str(), W_OK) != 0)
      return systemError("cannot write " + at(kHostsPath), errno);
    return {};
  }

  /// Of a recipe that was replaced half-way the note has two contents.
  bool isOurs(const std::string& path, const std::string& content) const {
    return std::any_of(before_.files.begin(), before_.files.end(),
                       [&](const OwnFile& file) { return file.path == path && file.content == content; });
  }

  /// Somebody's own text of it does what the plan wants, and stays as it is.
  bool isAdopted(const std::string& path) const { return adopted_.contains(path); }

  bool known() const { return known_; }
  const Manifest& before() const { return before_; }
  bool hasHosts() const { return hosts_.has_value(); }
  std::string hostsFor(const Plan& plan) const { return withHosts(hosts_.value_or(""), plan.hosts, before_.hosts); }
  bool hasHostsFor(const Plan& plan) const { return hosts_ == hostsFor(plan); }
  Changes& changes() { return changes_; }
  std::string at(const std::string& path) const { return root_ + path; }

  Result<void> put(const std::string& path, const std::string& content, const char* what) {
    auto now = readWhole(at(path));
    if (!now) return now.error();
    if (*now == content) return {};
    if (auto written = writeWhole(at(path), content, *now); !written) return written;
    const std::string change = std::string(what) + " " + path;
    if (std::find(changes_.begin(), changes_.end(), change) == changes_.end()) changes_.push_back(change);
    return {};
  }
  Result<void> putNote(const Manifest& manifest) { return put(kManifestPath, manifest.text(), "wrote"); }

  /// As it was when it was looked at, and nobody else's words in it go.
  Result<void> putHosts(const std::string& text) {
    if (hosts_ == text) return {};
    if (auto written = writeWhole(at(kHostsPath), text, hosts_); !written) return written;
    changes_.push_back(std::string("changed ") + kHostsPath);
    if (const size_t strangers = strangersIn(hosts_.value_or(""), before_.hosts); strangers > 0) {
      changes_.push_back("kept " + std::to_string(strangers) + (strangers == 1 ? " line" : " lines") + " of " +
                         kHostsPath + " that somebody had put between the recipe's");
    }
    return {};
  }
  Result<void> takeHosts() {
    const std::string text = withoutHosts(hosts_.value_or(""), before_.hosts);
    if (!hosts_ || !before_.madeHosts || !text.empty()) return hosts_ ? putHosts(text) : Result<void>();
    return remove(kHostsPath);
  }

  Result<void> link(const OwnLink& link) {
    if (linkTarget(at(link.path)) == link.target) return {};
    if (::symlink(link.target.c_str(), at(link.path).c_str()) != 0)
      return systemError("cannot make " + at(link.path), errno);
    changes_.push_back("made " + link.path);
    return {};
  }

  /// All that the plan's files need, outermost first.
  std::vector<std::string> missingFolders(const Plan& plan) const {
    std::vector<std::string> missing;
    wantFolders(kManifestPath, missing);
    for (const OwnFile& file : plan.files)
      wantFolders(file.path, missing);
    for (const OwnLink& link : plan.links)
      wantFolders(link.path, missing);
    return missing;
  }
  Result<void> makeFolders(const std::vector<std::string>& folders) const {
    for (const std::string& path : folders) {
      if (::mkdir(at(path).c_str(), kFolderMode) == 0) {
        // Whatever the umask: peerpulse is another user, and has to read its configuration.
        if (::chmod(at(path).c_str(), kFolderMode) != 0) return systemError("cannot open up " + at(path), errno);
      } else if (errno != EEXIST) {
        return systemError("cannot make " + at(path), errno);
      }
    }
    return {};
  }
  /// One that has something else in it by now stays.
  void removeFolders(const std::vector<std::string>& folders) const {
    for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder)
      (void)::rmdir(at(*folder).c_str());
  }

  /// A file, if it is the recipe's still.
  Result<void> removeFile(const std::string& path) {
    auto now = readWhole(at(path));
    if (!now) return now.error();
    if (!*now) return {};
    if (!isOurs(path, **now) || linkTarget(at(path))) {
      changes_.push_back("left " + path + ": it is not as the recipe makes it");
      return {};
    }
    return remove(path);
  }
  Result<void> removeLink(const OwnLink& link) {
    return linkTarget(at(link.path)) == link.target ? remove(link.path) : Result<void>();
  }
  Result<void> remove(const std::string& path) {
    if (::unlink(at(path).c_str()) != 0 && errno != ENOENT) return systemError("cannot remove " + at(path), errno);
    changes_.push_back("removed " + path);
    return {};
  }

  /// What is noted and not in the plan; without a plan, all.
  Result<void> removeNoted(const Plan& plan) {
    for (const OwnLink& old : before_.links) {
      if (find(plan.links, old.path) != nullptr) continue;
      if (auto removed = removeLink(old); !removed) return removed;
    }
    std::set<std::string> done;
    for (const OwnFile& old : before_.files) {
      if (find(plan.files, old.path) != nullptr || !done.insert(old.path).second) continue;
      if (auto removed = removeFile(old.path); !removed) return removed;
    }
    return {};
  }

 private:
  /// Of all the folders above it those that are not there yet.
  void wantFolders(const std::string& path, std::vector<std::string>& missing) const {
    const std::string folder = path.substr(0, path.rfind('/'));
    if (folder.empty() || exists(at(folder))) return;
    wantFolders(folder, missing);
    if (std::find(missing.begin(), missing.end(), folder) == missing.end()) missing.push_back(folder);
  }

  const std::string root_;
  Fd lock_;
  Manifest before_;
  bool known_ = false;
  std::set<std::string> adopted_;
  Text hosts_;
  Changes changes_;
};

namespace {

/// First of all what undoes the rest; of a list of nodes that this one replaces, too, until that is gone.
Result<void> note(Work& work, const Manifest& after, const std::vector<std::string>& folders) {
  Result<void> done = work.makeFolders(folders);
  if (done) done = work.putNote(work.known() ? after.with(work.before()) : after);
  if (!done) work.removeFolders(folders);  // nobody else would know of them
  return done;
}

Result<void> putFiles(Work& work, const Plan& plan) {
  if (auto removed = work.removeNoted(plan); !removed) return removed;
  for (const OwnFile& file : plan.files) {
    if (work.isAdopted(file.path)) continue;
    if (auto put = work.put(file.path, file.content, "wrote"); !put) return put;
  }
  for (const OwnLink& link : plan.links) {
    if (auto linked = work.link(link); !linked) return linked;
  }
  return {};
}

Result<void> putRoute(Work& work, AddressRoute& route, bool filesChanged, bool there) {
  if (filesChanged) {
    if (auto reloaded = route.reloadUnits(); !reloaded) return reloaded;
  }
  if (there) return {};
  auto added = route.add();
  if (!added) return added.error();
  work.changes().push_back(*added);
  return {};
}

}  // namespace

Result<Outcome> Installation::apply(const Plan& plan, const std::string& namesWaitFor) {
  Work work(root_);
  if (auto looked = work.look(); !looked) return looked.error();
  if (auto looked = work.lookAtNote(); !looked) return looked.error();
  if (auto may = work.mayReplace(plan); !may) return may.error();
  AddressRoute* const route = plan.anyIp ? route_ : nullptr;
  Result<bool> there = route != nullptr ? route->there() : Result<bool>(true);
  if (!there) return there.error();

  const std::vector<std::string> missing = work.missingFolders(plan);
  Manifest after{toString(plan.store), plan.hosts, plan.files, plan.links, work.before().folders};
  after.folders.insert(after.folders.end(), missing.begin(), missing.end());
  after.madeHosts = work.before().madeHosts || !work.hasHosts();
  // In another root its unit will be the one that routes.
  after.routed = work.before().routed || (plan.anyIp && (route == nullptr || !*there));
  if (auto noted = note(work, after, missing); !noted) return noted.error();
  const size_t changes = work.changes().size();
  if (auto put = putFiles(work, plan); !put) return put.error();
  if (route != nullptr) {
    if (auto routed = putRoute(work, *route, work.changes().size() > changes, *there); !routed) return routed.error();
  }
  Outcome outcome;
  // Last: from then on names lead to listeners.
  if (!work.hasHostsFor(plan)) {
    outcome.waitsFor = namesWaitFor;
    if (namesWaitFor.empty()) {
      if (auto put = work.putHosts(work.hostsFor(plan)); !put) return put.error();
    }
  }
  // What the names were is needed for as long as they lead there.
  if (!outcome.waitsFor.empty()) after.hosts = after.with(work.before()).hosts;
  if (auto noted = work.putNote(after); !noted) return noted.error();
  for (const OwnFile& file : plan.files) {
    // Of something that is done already nothing is said again.
    if (work.isAdopted(file.path) && !work.changes().empty())
      work.changes().push_back("left " + file.path + " as it is: its node, preset and peers are the recipe's");
  }
  outcome.changes = work.changes();
  return outcome;
}

Result<std::map<std::string, std::string>> Installation::listens() {
  Work work(root_);
  if (auto looked = work.lookAtNote(); !looked) return looked.error();
  std::map<std::string, std::string> listens;
  for (const OwnFile& file : work.before().files) {
    if (file.path == kConfigPath) listens.merge(listensIn(file.content));
  }
  // While names wait for another list they lead where the one before had them.
  for (const HostEntry& host : work.before().hosts)
    listens.emplace(host.name, host.address);
  return listens;
}

Result<Outcome> Installation::undo() {
  Work work(root_);
  if (auto looked = work.look(); !looked) return looked.error();
  const auto noted = work.lookAtNote();
  // Names first, whatever the note is like: nothing leads to what goes away after it.
  if (auto taken = work.takeHosts(); !taken) return taken.error();
  if (!noted) return noted.error();
  if (!work.known()) return Outcome{work.changes(), ""};
  if (route_ != nullptr && work.before().routed) {
    if (const size_t open = route_->connections(); open > 0) {
      return Outcome{work.changes(),
                     std::to_string(open) + " open connections to " + kAnyIpPrefix +
                         ", which would hang without its route: restart the store, then do the same again"};
    }
    auto there = route_->there();
    if (!there) return there.error();
    if (*there) {
      if (auto removed = route_->remove(); !removed) return removed.error();
      work.changes().push_back(std::string("no longer routed: ") + kAnyIpPrefix);
    }
  }
  if (auto removed = work.removeNoted(Plan{}); !removed) return removed.error();
  if (auto removed = work.remove(kManifestPath); !removed) return removed.error();
  work.removeFolders(work.before().folders);
  if (route_ != nullptr && !work.before().links.empty()) {
    if (auto reloaded = route_->reloadUnits(); !reloaded) return reloaded.error();
  }
  return Outcome{work.changes(), ""};
}

}  // namespace peerpulse::recipe
