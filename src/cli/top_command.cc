#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "json_field.h"
#include "peerpulse/base/duration_text.h"
#include "status_page.h"
#include "top_page.h"

namespace peerpulse::cli {

namespace {

// ECMA-48: to the upper left, the rest of each line and of the screen empty. The cursor stays as it is, so that whatever
// ends this leaves a terminal that works.
constexpr const char* kHome = "\x1b[H";
constexpr const char* kEraseLine = "\x1b[K\n";
constexpr const char* kEraseBelow = "\x1b[J";
constexpr const char* kEraseAll = "\x1b[2J";

size_t terminalLines() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

std::string frameOf(const std::string& text) {
  std::string frame = kHome;
  for (const char c : text) {
    if (c == '\n') {
      frame += kEraseLine;
    } else {
      frame += c;
    }
  }
  return frame + kEraseBelow;
}

}  // namespace

int topCommand(const AdminClient& admin, const TopOrder& order, const Terminal& terminal) {
  const auto interval = parseDuration(order.interval);
  if (!interval || *interval < milliseconds(100)) {
    return failed(terminal,
                  Error{"--interval " + order.interval + ": expected a duration of at least 100ms, such as 1s"});
  }
  const bool live = !terminal.json && ::isatty(STDOUT_FILENO) == 1;
  TopPage page;
  if (live) terminal.out << kEraseAll;
  for (int shown = 0;; ++shown) {
    const auto cluster = admin.get("/cluster");
    const auto peers = cluster ? admin.get("/peers") : cluster;
    if (!peers && !live) return failed(terminal, peers.error());
    if (terminal.json) {
      terminal.out << Json({{"cluster", cluster->json}, {"peers", peers->json}})
                          .dump(-1, ' ', false, Json::error_handler_t::replace)
                   << "\n";
    } else if (live) {
      // The screen is what is true now: an admin that does not answer is said, and asked again.
      const std::string text = peers ? page.text(cluster->json, peers->json, now(), wallNow(), terminalLines() - 1)
                                     : peers.error().message + "\n";
      terminal.out << frameOf(text);
    } else {
      terminal.out << page.text(cluster->json, peers->json, now(), wallNow());
    }
    terminal.out.flush();
    if (!terminal.out.good()) return kExitOk;  // nobody reads any more
    if (order.count > 0 && shown + 1 >= order.count)
      return peers ? statusExit(cluster->json, peers->json) : kExitNoAnswer;
    // Elsewhere than on a terminal one frame is what is asked for, unless somebody said how many.
    if (order.count == 0 && !live) return statusExit(cluster->json, peers->json);
    const Deadline next(*interval);
    while (!next.passed())
      (void)::poll(nullptr, 0, next.pollMillis());
  }
}

}  // namespace peerpulse::cli
