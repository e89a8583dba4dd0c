"""A recipe on a host of its own (network, mounts, /etc): applied, its traffic verified, undone; /etc as before byte for byte."""

import os
import pathlib
import sys

from tests.harness.case import LabCase
from tests.harness.peerpulse import program
from tests.harness.waiting import wait_for

_HOSTS = "127.0.0.1 localhost\n127.0.1.1 node1.example node1\n10.77.0.2 node2 # by hand"
_HOLD = "mount --bind {etc} /etc && mount --bind {hosts} /etc/hosts && echo mounted && exec sleep 600"
_STORE = "import socket, sys, time\nc = socket.create_connection((sys.argv[1], int(sys.argv[2])))\nprint('there', flush=True)\ntime.sleep(600)\n"


def _program() -> str:
    return str(pathlib.Path(program()).resolve())  # nsenter has another working directory


def _tree(folder: pathlib.Path) -> dict[str, tuple]:
    """Paths with mode, owner and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


class Recipe(LabCase):
    nodes = 3

    def setUp(self):
        super().setUp()
        self.etc = self.local.directory / "etc"
        (self.etc / "systemd/system").mkdir(parents=True)
        (self.etc / "nsswitch.conf").write_text("hosts: files\n", encoding="utf-8")
        (self.etc / "host.conf").write_text("multi on\n", encoding="utf-8")
        (self.etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", encoding="utf-8")
        (self.etc / "hosts").write_text("", encoding="utf-8")
        # A mount of its own, as in a container: it cannot be renamed over.
        self.hosts_file = self.local.directory / "hosts"
        self.hosts_file.write_text(_HOSTS, encoding="utf-8")
        self.hosts_file.chmod(0o640)
        hold = self.local.spawn(["unshare", "--mount", "sh", "-c", _HOLD.format(etc=self.etc, hosts=self.hosts_file)], name="hold")
        self.inside = ["nsenter", "--mount", "--target", str(hold.pid)]
        # What is applied before them would change the /etc of the machine.
        wait_for(lambda: "mounted" in hold.output(), 10, "the mounts")
        self.node_list = ",".join(f"{name}={self.lab.node(name).address}" for name in ("node1", "node2", "node3"))

    def recipe(self, *arguments: str, status: int = 0) -> str:
        done = self.local.run([*self.inside, _program(), "recipe", *arguments], text=True)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def everything(self) -> tuple:
        routes = self.local.run(["ip", "route", "show", "table", "local"], text=True).stdout
        return _tree(self.etc), self.hosts_file.read_bytes(), self.hosts_file.stat().st_mode, routes

    def check(self, store: str, listen: str):
        before = self.everything()
        arguments = (store, "--nodes", self.node_list, "--self", "node1")
        self.recipe(*arguments)
        self.assertEqual(self.everything(), before)  # it only prints

        self.recipe(*arguments, "--apply")
        applied = self.everything()
        self.assertNotEqual(applied, before)
        self.assertIn("nothing to change", self.recipe(*arguments, "--apply"))
        self.assertEqual(self.everything(), applied)
        self.assertIn("nobody listens", self.recipe(*arguments, "--verify", status=1))

        for name in ("node2", "node3"):
            argv = [sys.executable, "-u", "-m", "http.server", "--bind", self.lab.node(name).address, "9000"]
            peer = self.lab.node(name).spawn(argv, name="peer")
            # Listeners of peers that refuse are shut.
            wait_for(lambda process=peer: "Serving" in process.output(), 10, "the peer serves")
        self.local.spawn([*self.inside, _program(), "run", "--config", "/etc/peerpulse/peerpulse.json"], name="peerpulse")
        wait_for(lambda: "nobody listens" not in self.recipe(*arguments, "--verify", status=1), 10, "peerpulse listens")
        stores = [self.local.spawn([*self.inside, "/usr/bin/python3", "-c", _STORE, name, "9000"], name=f"store-{name}")
                  for name in ("node2", "node3")]
        wait_for(lambda: all("there" in each.output() for each in stores), 20, "the store is connected")
        said = self.recipe(*arguments, "--verify")
        self.assertIn(f"node2 leads to {listen}", said)
        self.assertRegex(said, "[1-9] connections to node3 pass peerpulse")

        past = self.local.spawn([*self.inside, "/usr/bin/python3", "-c", _STORE, self.lab.node("node2").address, "9000"], name="past")
        wait_for(lambda: "there" in past.output(), 20, "the store goes past")
        self.assertIn("go past peerpulse", self.recipe(*arguments, "--verify", status=1))

        self.recipe("--undo")
        self.assertEqual(self.everything(), before)
        self.assertIn("nothing to undo", self.recipe("--undo"))

    def test_rustfs(self):
        self.check("rustfs", "127.0.0.12")

    def test_minio(self):
        self.check("minio", "198.18.0.12")

    def test_a_configuration_of_somebody_else_stays(self):
        (self.etc / "peerpulse").mkdir()
        (self.etc / "peerpulse/peerpulse.json").write_text("{}", encoding="utf-8")
        before = self.everything()
        done = self.local.run(
            [*self.inside, _program(), "recipe", "minio", "--nodes", self.node_list, "--self", "node1", "--apply"], text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/etc/peerpulse/peerpulse.json is there, and not by a recipe", done.stderr)
        self.assertEqual(self.everything(), before)

    def test_a_store_that_listens_everywhere_is_told_first(self):
        before = self.everything()
        wildcard = [sys.executable, "-u", "-m", "http.server", "9000"]
        store = self.local.spawn(wildcard, name="wildcard")
        wait_for(lambda: "Serving" in store.output(), 10, "the store serves")
        done = self.local.run(
            [*self.inside, _program(), "recipe", "rustfs", "--nodes", self.node_list, "--self", "node1", "--apply"], text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("every address at port 9000", done.stderr)
        self.assertEqual(self.everything(), before)

    def test_an_undo_that_cannot_be_done_leaves_the_route(self):
        self.recipe("minio", "--nodes", self.node_list, "--self", "node1", "--apply")
        note = self.etc / "peerpulse/recipe.json"
        kept = note.read_bytes()
        note.write_text("{}", encoding="utf-8")
        applied = self.everything()
        self.recipe("--undo", status=1)
        self.assertEqual(self.everything(), applied)
        note.write_bytes(kept)
        self.recipe("--undo")
