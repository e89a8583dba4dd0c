// RecipeCommand: `peerpulse recipe STORE --nodes ... --self ...`: prints, applies, verifies or undoes a recipe.
//
// Exit status: 0 done, or what is left is said; or all is well; 1 it could not be done, or --verify found something wrong, or no
// traffic yet; 2 wrong usage.
// Threading: the main thread; it blocks. Ownership: holds what the options are parsed into; outlives `app`'s parse().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace peerpulse::cli {

class RecipeCommand {
 public:
  /// Adds the subcommand; `app` outlives this.
  explicit RecipeCommand(CLI::App& app);

  /// Nothing: another command was given.
  std::optional<int> run() const;

 private:
  int carryOut() const;
  int undo() const;

  CLI::App* command_;
  std::string store_;
  std::string nodes_;
  std::string self_;
  std::vector<uint16_t> ports_;
  std::string root_;
  std::string admin_;
  bool apply_ = false;
  bool undo_ = false;
  bool verify_ = false;
};

}  // namespace peerpulse::cli
