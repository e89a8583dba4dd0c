"""A recipe on a host of its own (network, mounts, /etc): applied, its traffic verified, undone; /etc as before byte for byte."""

import os
import pathlib
import sys

from tests.harness.case import LabCase
from tests.harness.peerpulse import program
from tests.harness.waiting import wait_for
from tests.lab.ipv6 import add_ipv6

_HOLD = "mount --bind {etc} /etc && {hosts} && echo mounted && exec sleep 600"
_BOUND = "mount --bind {file} /etc/hosts"
"""A mount of its own, as in a container: it cannot be renamed over."""
_FULL = "mount -t tmpfs -o size=4k none {folder} && cp {file} {folder}/hosts && mount --bind {folder}/hosts /etc/hosts"
_STORE = "import socket, sys, time\nc = socket.create_connection((sys.argv[1], int(sys.argv[2])))\nprint('there', flush=True)\ntime.sleep(600)\n"
_STEADY_STORE = """
import socket, sys, time
last = None
while True:
    try:
        with socket.create_connection((sys.argv[1], 9000), 5) as c:
            if c.getpeername()[0] != last:
                last = c.getpeername()[0]
                print("by", last, flush=True)
    except OSError as error:
        print("failed", error, flush=True)
    time.sleep(0.005)
"""


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
        self.use({node.name: node.address for node in self.lab.nodes})

    def use(self, addresses: dict[str, str]) -> None:
        self.addresses = addresses
        self.node_list = ",".join(f"{name}={address}" for name, address in addresses.items())
        self.hosts_text = f"127.0.0.1 localhost\n127.0.1.1 node1.example node1\n{addresses['node2']} node2 # by hand"

    def mount(self, how: str = _BOUND, more: str = "") -> None:
        """The host's own /etc. What is applied before it is there, or after it has gone, would change the machine's."""
        file, folder = self.local.directory / "hosts", self.local.directory / "small"
        folder.mkdir()
        file.write_text(more + self.hosts_text, encoding="utf-8")
        file.chmod(0o640)
        hold = _HOLD.format(etc=self.etc, hosts=how.format(file=file, folder=folder))
        self.hold = self.local.spawn(["unshare", "--mount", "sh", "-c", hold], name="hold")
        wait_for(lambda: "mounted" in self.hold.output(), 10, "the mounts")
        self.hosts_file = pathlib.Path(f"/proc/{self.hold.pid}/root/etc/hosts")

    def inside(self, *argv: str) -> list[str]:
        seen = pathlib.Path(f"/proc/{self.hold.pid}/root/etc")
        self.assertTrue(seen.samefile(self.etc), "the machine's own /etc is in reach")
        return ["nsenter", "--mount", "--target", str(self.hold.pid), *argv]

    def run_recipe(self, *arguments: str):
        return self.local.run(self.inside(_program(), "recipe", *arguments), text=True)

    def recipe(self, *arguments: str, status: int = 0) -> str:
        done = self.run_recipe(*arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def everything(self) -> tuple:
        routes = self.local.run(["ip", "route", "show", "table", "local"], text=True).stdout
        return _tree(self.etc), self.hosts_file.read_bytes(), self.hosts_file.stat().st_mode, routes

    def start_peers(self) -> None:
        for name in ("node2", "node3"):
            argv = [sys.executable, "-u", "-m", "http.server", "--bind", self.addresses[name], "9000"]
            peer = self.lab.node(name).spawn(argv, name="peer")
            # Listeners of peers that refuse are shut.
            wait_for(lambda process=peer: "Serving" in process.output(), 10, "the peer serves")

    def start_peerpulse(self, arguments: tuple) -> None:
        self.local.spawn(self.inside(_program(), "run", "--config", "/etc/peerpulse/peerpulse.json"), name="peerpulse")
        wait_for(lambda: self.recipe(*arguments, "--verify", status=1).count("is peerpulse's, for") == 2, 10, "peerpulse listens")

    def start_store(self, name: str, script: str, host: str):
        return self.local.spawn(self.inside("/usr/bin/python3", "-c", script, host, "9000"), name=name)

    def check(self, store: str, listen: str):
        self.mount()
        before = self.everything()
        arguments = (store, "--nodes", self.node_list, "--self", "node1")
        self.recipe(*arguments)
        self.assertEqual(self.everything(), before)  # it only prints

        # A store that runs is not refused, whatever is done when.
        self.start_peers()
        steady = self.start_store("steady", _STEADY_STORE, "node2")
        wait_for(lambda: f"by {self.addresses['node2']}\n" in steady.output(), 10, "the store reaches its peer")
        said = self.recipe(*arguments, "--apply")
        self.assertIn("names in /etc/hosts are as they were", said)
        self.assertRegex(said, r"1\. peerpulse check .*\n.*2\. systemctl enable peerpulse .*\n.*3\. the same command with --apply again")
        waiting = self.everything()
        self.assertEqual(waiting[1], before[1])
        self.assertNotEqual(waiting[0], before[0])
        self.assertIn("nothing new", self.recipe(*arguments, "--apply"))
        self.assertEqual(self.everything(), waiting)
        said = self.recipe(*arguments, "--verify", status=1)
        self.assertIn("what peerpulse does cannot be asked: no answer from the admin of peerpulse at 127.0.0.1:9901", said)
        self.assertIn("nobody listens", said)

        self.start_peerpulse(arguments)
        self.assertIn("changed /etc/hosts\n", self.recipe(*arguments, "--apply"))
        wait_for(lambda: f"by {listen}\n" in steady.output(), 10, "the store's traffic passes")
        applied = self.everything()
        self.assertIn("nothing to change", self.recipe(*arguments, "--apply"))
        self.assertEqual(self.everything(), applied)

        stores = [self.start_store(f"store-{name}", _STORE, name) for name in ("node2", "node3")]
        wait_for(lambda: all("there" in each.output() for each in stores), 20, "the store is connected")
        said = self.recipe(*arguments, "--verify")
        self.assertIn(f"node2 leads to {listen}", said)
        self.assertRegex(said, "[1-9] connections to node3 pass peerpulse")
        self.assertIn("peerpulse runs with the recipe's 2 peers", said)
        other = self.node_list.replace(self.addresses["node3"], self.addresses["node3"] + "7")
        self.assertRegex(self.recipe(store, "--nodes", other, "--self", "node1", "--verify", status=1),
                         r"WRONG +the peerpulse that runs sends what is for node3 to \S+, not to ")

        past = self.start_store("past", _STORE, self.addresses["node2"])
        wait_for(lambda: "there" in past.output(), 20, "the store goes past")
        self.assertIn("go past peerpulse", self.recipe(*arguments, "--verify", status=1))

        if store == "minio":
            # The two stores', and the steady one's if it has just connected.
            self.assertRegex(self.recipe("--undo", status=1), r"\b[23] open connections to 198\.18\.0\.0/24")
            self.assertEqual(self.hosts_file.read_bytes(), before[1])
            self.assertEqual(self.everything()[3], applied[3])
            for each in stores:
                each.kill()
            wait_for(lambda: self.run_recipe("--undo").returncode == 0, 10, "the connections' end")
        else:
            self.recipe("--undo")
        self.assertEqual(self.everything(), before)
        self.assertIn("nothing to undo", self.recipe("--undo"))
        wait_for(lambda: steady.output().endswith(f"by {self.addresses['node2']}\n"), 10, "the names lead back")
        self.assertNotIn("failed", steady.output())

    def test_rustfs(self):
        self.check("rustfs", "127.0.0.12")

    def test_minio(self):
        self.local.namespace.set_sysctl("net.ipv4.ip_nonlocal_bind", "1")  # any address can be bound, with a route or without
        self.check("minio", "198.18.0.12")

    def test_ipv6(self):
        self.use(add_ipv6(self.lab))
        self.check("rustfs", "127.0.0.12")

    def test_a_configuration_of_somebody_else_stays(self):
        self.mount()
        (self.etc / "peerpulse").mkdir()
        (self.etc / "peerpulse/peerpulse.json").write_text("{}", encoding="utf-8")
        before = self.everything()
        said = self.recipe("minio", "--nodes", self.node_list, "--self", "node1", "--apply", status=1)
        self.assertIn("/etc/peerpulse/peerpulse.json is there, and not by a recipe", said)
        self.assertEqual(self.everything(), before)

    def test_a_store_that_listens_everywhere_is_told_first(self):
        self.mount()
        before = self.everything()
        wildcard = [sys.executable, "-u", "-m", "http.server", "9000"]
        store = self.local.spawn(wildcard, name="wildcard")
        wait_for(lambda: "Serving" in store.output(), 10, "the store serves")
        said = self.recipe("rustfs", "--nodes", self.node_list, "--self", "node1", "--apply", status=1)
        self.assertIn("every address at port 9000", said)
        self.assertEqual(self.everything(), before)

    def test_an_undo_that_cannot_be_done_leaves_the_route(self):
        self.mount()
        self.recipe("minio", "--nodes", self.node_list, "--self", "node1", "--apply")
        note = self.etc / "peerpulse/recipe.json"
        kept = note.read_bytes()
        note.write_text("{}", encoding="utf-8")
        applied = self.everything()
        self.recipe("--undo", status=1)
        self.assertEqual(self.everything(), applied)
        note.write_bytes(kept)
        self.recipe("--undo")

    def test_no_room_for_the_names(self):
        self.mount(_FULL, more="# " + "x" * 3900 + "\n")
        arguments = ("rustfs", "--nodes", self.node_list, "--self", "node1")
        self.recipe(*arguments, "--apply")
        self.start_peers()
        self.start_peerpulse(arguments)
        before = self.everything()
        self.assertIn("No space left on device", self.recipe(*arguments, "--apply", status=1))
        self.assertEqual(self.everything()[1:], before[1:])

    def test_what_the_store_has_already_is_told(self):
        self.mount()
        (self.etc / "default").mkdir()
        (self.etc / "default/minio").write_text('MINIO_OPTS="--console-address :9001"\n', encoding="utf-8")
        self.assertIn("MINIO_OPTS is set in /etc/default/minio, line 1, too",
                      self.recipe("minio", "--nodes", self.node_list, "--self", "node1"))
