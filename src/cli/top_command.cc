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

size_t terminalLines() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

}  // namespace

int topCommand(const AdminClient& admin, const TopOrder& order, const Terminal& terminal) {
  const auto interval = parseDuration(order.interval);
  if (!interval || *interval < milliseconds(100)) {
    return failed(terminal,
                  Error{"--interval " + order.interval + ": expected a duration of at least 100ms, such as 1s"});
  }
  const bool live = !terminal.json() && ::isatty(STDOUT_FILENO) == 1;
  TopPage page;
  if (live) terminal.clear();
  for (int shown = 0;; ++shown) {
    const auto cluster = admin.cluster();
    const auto peers = cluster ? admin.peers() : cluster;
    if (!peers && !live) return failed(terminal, peers.error());
    if (terminal.json()) {
      terminal.showJson({{"cluster", cluster->json}, {"peers", peers->json}}, -1);
    } else if (live) {
      // The screen is what is true now: an admin that does not answer is said, and asked again.
      const std::string text = peers ? page.text(cluster->json, peers->json, now(), wallNow(), terminalLines() - 1)
                                     : peers.error().message + "\n";
      terminal.showFrame(text);
    } else {
      terminal.show(page.text(cluster->json, peers->json, now(), wallNow()));
    }
    if (!terminal.flush()) return kExitOk;  // nobody reads any more
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
