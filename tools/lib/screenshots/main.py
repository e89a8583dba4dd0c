"""See tools/screenshots --help."""

import argparse
import contextlib
import pathlib
import sys
import time

from tests.harness import browser
from tests.harness.admin_page import AdminPage
from tests.harness.browser import Browser
from tools.lab import LabUnavailable, ensure_privileges
from tools.lib.screenshots import scenes

_WIDE, _NARROW = (1280, 900), (400, 860)
_WATCHED_S = 12.0
"""Of readings before the first picture, so that there is a line to see."""


class Camera:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def take(self, name: str, seen: Browser, size: tuple[int, int] = _WIDE, scheme: str = "light") -> None:
        seen.resize(*size)
        seen.prefer(scheme)
        seen.run_async("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        path = self.folder / f"{name}.png"
        seen.screenshot(path)
        print(path, flush=True)


@contextlib.contextmanager
def _page(host, peerpulse):
    seen = Browser(host, _WIDE)
    try:
        page = AdminPage(seen, peerpulse)
        page.open()
        yield page, seen
    finally:
        seen.close()


def _in_the_lab(camera: Camera) -> None:
    with scenes.lab_cluster() as cluster, _page(cluster.host, cluster.peerpulse) as (page, seen):
        time.sleep(_WATCHED_S)
        camera.take("healthy", seen)
        camera.take("healthy-dark", seen, scheme="dark")
        page.go("#/peers/node2")
        camera.take("peer", seen)
        page.go("#/")
        cluster.lab.cut("node3")
        page.wait_verdict("node3", "dead")
        time.sleep(3)  # so that requests have failed fast
        camera.take("one-dead", seen)
        camera.take("one-dead-dark", seen, scheme="dark")
        camera.take("one-dead-narrow", seen, _NARROW)
        page.go("#/peers/node3")
        camera.take("dead-peer", seen)
        camera.take("dead-peer-dark", seen, scheme="dark")
        camera.take("dead-peer-narrow", seen, (400, 1900))
        seen.run("document.querySelector('#override [value=closed]').click();"
                 "document.querySelector('#override [name=why]').value = 'ticket 4711';"
                 "document.querySelector('#override button').click()")
        camera.take("override", seen)
        seen.run("document.getElementById('confirm').close('cancel')")
        page.go("#/")
        cluster.lab.restore("node3")
        page.wait_verdict("node3", "alive")
        cluster.servers["node4"].process.stop()
        page.wait_verdict("node4", "stalled")
        cluster.peerpulse.post("/peers/node5/circuit", {"state": "open", "ttl": "10m", "why": "disk swap"})
        cluster.peerpulse.wait_circuit("node4", "open")
        time.sleep(1.5)
        camera.take("one-stalled", seen)
        cluster.servers["node4"].process.cont()
        cluster.peerpulse.post("/peers/node5/circuit", {"state": "auto"})
        page.wait_verdict("node4", "alive")
        cluster.lab.cut("node1")
        page.wait_verdict("node2", "dead")
        time.sleep(1.5)
        camera.take("isolated", seen)
        camera.take("isolated-narrow", seen, _NARROW)
        cluster.peerpulse.process.stop()
        page.wait_link("gone", 20)
        camera.take("gone", seen)
        cluster.peerpulse.process.cont()


def _many(camera: Camera) -> None:
    with scenes.many_peers(200, (77, 150)) as (host, peerpulse), _page(host, peerpulse) as (_, seen):
        time.sleep(_WATCHED_S)
        camera.take("200-peers", seen)
        camera.take("200-peers-narrow", seen, _NARROW)
        camera.take("200-peers-dark", seen, scheme="dark")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/screenshots",
        description="Takes pictures of the admin page in headless Chromium: healthy, one peer dead, one stalled, this host cut off, "
                    "200 peers; wide and 400 pixels narrow, light and dark. Of real processes and real cuts, in the lab.")
    parser.add_argument("folder", type=pathlib.Path, help="where to put them")
    parser.add_argument("--only", choices=("lab", "many"), help="the five nodes of the lab, or the 200 peers")
    arguments = parser.parse_args()
    if missing := browser.missing():
        print(f"tools/screenshots: {missing}", file=sys.stderr)
        return 1
    try:
        ensure_privileges()
    except LabUnavailable as reason:
        print(f"tools/screenshots: {reason}", file=sys.stderr)
        return 1
    arguments.folder.mkdir(parents=True, exist_ok=True)
    camera = Camera(arguments.folder)
    if arguments.only != "many":
        _in_the_lab(camera)
    if arguments.only != "lab":
        _many(camera)
    return 0
