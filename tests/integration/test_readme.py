"""The READMEs: every curl that they show is run, and answers what they show; every link leads somewhere."""

import json
import pathlib
import re
import unittest

from tests.harness.peerpulse import SLOWDOWN
from tests.harness.scripted_peer import answer
from tests.integration.test_fanout import FanoutCase

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_FOLDERS = ("conf", "src", "tests", "tools")
_READMES = [_ROOT / "README.md", *(path for folder in _FOLDERS for path in sorted((_ROOT / folder).rglob("README.md")))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_INLINE = re.compile(r"`(curl [^`]+)`")
_SETS = [{"name": "set0", "disks": [f"node{number}/data/disk1" for number in range(1, 5)], "spares": ["node2/data/spare"]}]


def _text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in _READMES)


def _anchors(path: pathlib.Path) -> set[str]:
    """Of its headings, as they are made from them where such files are shown."""
    headings = _HEADING.findall(_BLOCK.sub("", path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _examples() -> list[tuple[str, str]]:
    """Commands, and the output that is shown of them (empty: none)."""
    text = _text()
    found: list[tuple[str, str]] = []
    for language, block in _BLOCK.findall(text):
        if language == "console":
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                found.append((command, output))
        else:
            found += [(line, "") for line in block.splitlines()]
    found += [(command, "") for command in _INLINE.findall(_BLOCK.sub("", text))]
    return [(command, output) for command, output in found if command.startswith("curl ")]


def _without_times(value):
    if isinstance(value, list):
        return [_without_times(item) for item in value]
    if isinstance(value, dict):
        return {key: 0 if key == "took_ms" else _without_times(item) for key, item in value.items()}
    return value


class Links(unittest.TestCase):
    def test_each_leads_somewhere(self):
        for path in _READMES:
            text = path.read_text(encoding="utf-8")
            for target in _LINK.findall(text):
                if target.startswith("http"):
                    continue
                with self.subTest(file=path.relative_to(_ROOT), target=target):
                    name, _, anchor = target.partition("#")
                    file = (path.parent / name).resolve() if name else path
                    self.assertTrue(file.exists())
                    if anchor:
                        self.assertIn(anchor, _anchors(file))


class Readme(FanoutCase):
    def test_examples_answer_what_is_shown(self):
        self.start(dead=("node4",), erasure_sets=_SETS)
        for peer in self.peers.values():
            peer.reply = lambda request: answer("200 OK", b'{"disks":4}', Content_Type="application/json")
        for name in ("object", "chunk"):
            (self.host.directory / name).write_bytes(b"content of " + name.encode())
        examples = _examples()
        self.assertGreaterEqual(len(examples), 8)
        self.assertEqual(len(examples), len(re.findall(r"\bcurl -|\bcurl \"", _text())))
        for command, shown in examples:
            with self.subTest(command=command):
                output = self.run_shell(command)
                if shown:
                    # In the order that is shown, too.
                    self.assertEqual(json.dumps(_without_times(json.loads(output)), indent=1),
                                     json.dumps(_without_times(json.loads(shown)), indent=1))
        self.wait_idle()
        self.assertEqual([got.path for got in self.peers["node3"].requests if got.path == "/admin/reload"], ["/admin/reload"])

    def run_shell(self, command: str) -> str:
        """Where the README has the default ports, ours are asked. A connection that fails is an error; a status is not."""
        for port, (host, ours) in (("9902", self.api), ("9901", self.peerpulse.admin)):
            command = re.sub(rf"(127\.0\.0\.1|localhost):{port}\b", f"{host}:{ours}", command)
        done = self.host.run(["bash", "-c", command], timeout=30 * SLOWDOWN, cwd=self.host.directory, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn('"error":"not_found"', done.stdout)
        self.assertNotIn('"error":"bad_request"', done.stdout)
        return done.stdout
