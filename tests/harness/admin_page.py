"""The admin page in a browser: what a person would look for on it."""

from tests.harness.browser import Browser
from tests.harness.peerpulse import Peerpulse

_ROW = "document.querySelector(`#peers tr[data-peer='${arguments[0]}']`)"

# Stamps, by the wall clock, when the row of a peer says a verdict. Attributes are what the page changes last in a turn.
_WATCH = f"""
const row = {_ROW}, wanted = arguments[1];
window.stamp = null;
new MutationObserver((_, observer) => {{
  if (row.dataset.verdict !== wanted || row.querySelector(".verdict").textContent !== wanted) return;
  window.stamp = performance.timeOrigin + performance.now();
  observer.disconnect();
}}).observe(row, {{ attributes: true, childList: true, characterData: true, subtree: true }});
"""


class AdminPage:
    def __init__(self, browser: Browser, peerpulse: Peerpulse) -> None:
        self.browser = browser
        self.origin = "http://{}:{}".format(*peerpulse.admin)

    def open(self, path: str = "#/", link: str = "live") -> None:
        """Returns once it shows something, and follows the events (or, "polling", does without)."""
        self.browser.open(f"{self.origin}/{path}")
        self.wait_link(link)

    def go(self, path: str) -> None:
        """Within the page, as by a link."""
        self.browser.run("location.hash = arguments[0]", path)

    def wait_link(self, state: str, timeout: float = 15) -> None:
        self.browser.wait("return document.documentElement.dataset.link === arguments[0] && document.title.length > 9", state,
                          timeout=timeout, what=f"the page is {state}")

    def wait_verdict(self, peer: str, verdict: str, timeout: float = 10) -> None:
        self.browser.wait(f"return {_ROW}?.dataset.verdict === arguments[1]", peer, verdict, timeout=timeout,
                          what=f"the page shows {peer} as {verdict}")

    def watch(self, peer: str, verdict: str) -> None:
        self.browser.run(_WATCH, peer, verdict)

    def shown_at(self) -> float:
        """Seconds since the epoch at which what is watched for was there."""
        return self.browser.wait("return window.stamp", what="the page shows it") / 1000

    def row(self, peer: str) -> str:
        return self.browser.run(f"return {_ROW}.innerText", peer)

    def order(self) -> list[str]:
        """Of the peers in the table."""
        return self.browser.run("return [...document.querySelectorAll('#peers tbody tr:not([hidden])')].map(r => r.dataset.peer)")

    def fact(self, name: str) -> str:
        """"host", "quorum" or "peers": its big words and what is said to them."""
        return self.browser.text(f"#fact-{name}")

    def focus(self) -> str:
        """What has it, by its name, id or text."""
        return self.browser.run("const a = document.activeElement; return a.name || a.id || a.textContent.trim()")

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return self.browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
