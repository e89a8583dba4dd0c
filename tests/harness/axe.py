"""axe-core, the checker of the Web Content Accessibility Guidelines, in a page. tools/setup --all fetches it."""

import functools
import os
import pathlib
import subprocess

_SETUP = pathlib.Path(__file__).resolve().parents[2] / "tools/setup"
_RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"] })
  .then((result) => done(result.violations.map((v) => ({ id: v.id, impact: v.impact, help: v.help,
    nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + (n.any[0] ? n.any[0].message : "")) }))),
    (failure) => done([{ id: String(failure), impact: "critical", help: "axe itself failed", nodes: [] }]));
"""


@functools.cache
def _file() -> pathlib.Path:
    """Where tools/setup puts it."""
    done = subprocess.run([_SETUP, "--axe"], capture_output=True, text=True, check=True, env=os.environ)
    return pathlib.Path(done.stdout.strip())


def missing() -> str:
    return "" if _file().exists() else f"no axe-core in {_file()} (tools/setup --all fetches it by npm)"


def violations(browser, impacts: tuple[str, ...]) -> list[dict]:
    """What the page does wrong, of these impacts."""
    browser.run(_file().read_text(encoding="utf-8") + "\nreturn 0;")
    return [found for found in browser.run_async(_RUN) if found["impact"] in impacts]
