"""erasure_writer against real storage nodes: four peers with four disks each, some of them killed, frozen or
corrupted on the way.

usage: erasure_writer_test.py STORAGE_NODE ERASURE_WRITER
"""

import json
import os
import signal
import subprocess
import sys
import unittest

from processes import Scratch

STORAGE_NODE = ERASURE_WRITER = ""
BLOCK = 4096
STRIPE = 12 * BLOCK
SIZES = [0, 1, 11, 12, 13, STRIPE - 1, STRIPE, STRIPE + 1, 5 * STRIPE, 7 * STRIPE + 12345, 100_000, 500_000]
PROTOCOLS = ["h1", "h2"]


class ErasureWriterTest(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch(STORAGE_NODE)
        self.nodes = [self.scratch.start(f"node{i}", disks=4, arguments=["--no-fsync"]) for i in range(4)]
        self.disks = [node.url(f"/chunks/disk{disk}") for disk in range(1, 5) for node in self.nodes]
        self.files = [self.scratch.file(f"file{i}", os.urandom(size)) for i, size in enumerate(SIZES)]
        self.list = self.scratch.file("list", "\n".join(self.files).encode())
        self.manifest = self.scratch.path + "/manifest.json"

    def tearDown(self):
        self.scratch.__exit__()

    def run_writer(self, mode, protocol, *arguments, disks=True):
        command = [ERASURE_WRITER, mode, "--manifest", self.manifest, "--protocol", protocol, *arguments]
        if disks:
            command += [word for disk in self.disks for word in ("--disk", disk)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=60)
        lines = done.stdout.splitlines()
        self.assertTrue(lines, done.stderr)
        return done.returncode, json.loads(lines[-1])

    def write(self, protocol, *arguments):
        return self.run_writer("write", protocol, "--files-from", self.list, "--block-size", str(BLOCK), "--prefix",
                               protocol, *arguments)

    def read(self, protocol, *arguments):
        # The disks come from the manifest.
        return self.run_writer("read", protocol, *arguments, disks=False)

    def stored_objects(self):
        with open(self.manifest, encoding="utf-8") as manifest:
            return json.load(manifest)["objects"]

    def chunk_file(self, node, disk, source, stripe):
        """The chunk of one stripe on one disk."""
        name = next(o["name"] for o in self.stored_objects() if o["source"] == source)
        folder = os.path.join(self.nodes[node].disk(disk), "chunks")
        found = [os.path.join(where, file) for where, _, files in os.walk(folder) for file in files
                 if file.startswith(f"{name}.{stripe}.")]
        self.assertEqual(len(found), 1)
        return found[0]

    def test_everything_comes_back(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                code, wrote = self.write(protocol)
                self.assertEqual(code, 0, wrote)
                self.assertTrue(wrote["completed"])
                self.assertEqual(wrote["bytes"], sum(SIZES))
                self.assertEqual(wrote["objects"], len(SIZES))
                self.assertEqual(wrote["chunks_failed"], 0)
                self.assertGreater(wrote["longest_stall_ms"], 0)
                self.assertEqual([peer["errors"] for peer in wrote["peers"]], [0] * 4)
                stripes = sum(o["stripes"] for o in self.stored_objects())
                self.assertEqual([peer["requests"] for peer in wrote["peers"]], [stripes * 4] * 4)
                code, got = self.read(protocol)
                self.assertEqual(code, 0, got)
                self.assertEqual(got["read_back"],
                                 {"objects": len(SIZES), "verified": len(SIZES), "corrupt": 0, "missing": 0})
                self.assertEqual(got["stripes_reconstructed"], 0)

    def test_a_killed_peer_costs_nothing_but_its_shards(self):
        self.write("h1")
        self.nodes[2].kill()
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                code, got = self.run_writer("read", protocol, disks=False)
                self.assertEqual(code, 0, got)
                self.assertEqual(got["read_back"]["verified"], len(SIZES))
                self.assertGreater(got["stripes_reconstructed"], 0)
                code, wrote = self.write(protocol, "--overwrite")
                self.assertEqual(code, 0, wrote)
                self.assertTrue(wrote["completed"])
                dead = wrote["peers"][2]
                self.assertEqual(dead["requests"], dead["errors"])
                self.assertEqual(wrote["chunks_failed"], dead["errors"])
                self.assertEqual({failure["peer"] for failure in wrote["failures"]}, {self.nodes[2].address})
                self.assertTrue(all(f["start_ns"] <= f["t_ns"] <= wrote["end_ns"] for f in wrote["failures"]))
                for stored in self.stored_objects():
                    self.assertEqual(stored["shards"], [s for s in range(16) if s % 4 != 2])

    def test_two_dead_peers_are_too_many(self):
        self.write("h1")
        self.nodes[1].kill()
        self.nodes[2].kill()
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                code, got = self.read(protocol)
                self.assertEqual(code, 1)
                self.assertEqual(got["read_back"]["missing"], len(SIZES))
        code, wrote = self.write("h2", "--overwrite")
        self.assertEqual(code, 1)
        self.assertFalse(wrote["completed"])
        self.assertEqual({failed["outcome"] for failed in wrote["objects_failed"]}, {"quorum_lost"})
        self.assertEqual(self.stored_objects(), [])

    def test_a_frozen_peer_costs_its_timeout(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.nodes[3].signal(signal.SIGSTOP)
                code, wrote = self.write(protocol, "--timeout", "3s", "--parallel", "16")
                self.nodes[3].signal(signal.SIGCONT)
                self.assertEqual(code, 0, wrote)
                self.assertEqual({failure["peer"] for failure in wrote["failures"]}, {self.nodes[3].address})
                self.assertEqual({failure["reason"] for failure in wrote["failures"]}, {"timeout"})
                self.assertGreaterEqual(wrote["longest_stall_ms"], 1000)
                self.assertGreaterEqual(min(f["t_ns"] - f["start_ns"] for f in wrote["failures"]), 2500e6)
                self.assertEqual(self.read(protocol)[1]["read_back"]["verified"], len(SIZES))

    def test_corrupt_chunks_are_replaced_by_others(self):
        self.write("h1")
        victim = self.files[SIZES.index(5 * STRIPE)]
        for node in range(4):  # of stripe 1, four shards: as many as may be lost
            with open(self.chunk_file(node, 1, victim, 1), "r+b") as chunk:
                chunk.seek(100)
                chunk.write(b"!!")
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                code, got = self.read(protocol)
                self.assertEqual(code, 0, got)
                self.assertEqual({failure["status"] for failure in got["failures"]}, {500})
        with open(self.chunk_file(0, 2, victim, 1), "r+b") as chunk:
            chunk.seek(100)
            chunk.write(b"!!")
        code, got = self.read("h1")
        self.assertEqual(code, 1)
        self.assertEqual(got["read_back"]["missing"], 1)
        self.assertEqual(got["objects_failed"][0]["source"], victim)

    def test_wrong_bytes_with_a_right_checksum_are_noticed(self):
        self.write("h1")
        one, other = (self.chunk_file(0, 1, self.files[SIZES.index(5 * STRIPE)], stripe) for stripe in (0, 1))
        os.replace(one, other)
        code, got = self.read("h1")
        self.assertEqual(code, 1)
        # Stripes 0 and 1 are asked for together: shard 0 is still trusted when that of stripe 1 arrives.
        self.assertEqual(got["read_back"]["corrupt"], 1)
        self.assertEqual(got["read_back"]["verified"], len(SIZES) - 1)

    def test_existing_chunks_are_conflicts(self):
        self.assertEqual(self.write("h1")[0], 0)
        code, wrote = self.write("h1")
        self.assertEqual(code, 1)
        self.assertEqual({failure["status"] for failure in wrote["failures"]}, {409})

    def test_deadline_ends_the_run(self):
        for node in self.nodes:
            node.signal(signal.SIGSTOP)
        code, wrote = self.write("h1", "--deadline", "200ms")
        self.assertEqual(code, 1)
        self.assertTrue(wrote["interrupted"])
        self.assertFalse(wrote["completed"])
        self.assertLess(wrote["seconds"], 10)

    def test_progress_lines(self):
        progress = self.scratch.path + "/progress"
        self.write("h1", "--progress", progress)
        with open(progress, encoding="utf-8") as lines:
            last = [json.loads(line) for line in lines][-1]
        self.assertEqual(last["bytes"], sum(SIZES))
        self.assertEqual(last["total_bytes"], sum(SIZES))
        self.assertEqual(last["objects"], len(SIZES))
        self.assertGreater(last["t_ns"], 0)

    def test_spec_file(self):
        spec = self.scratch.file("spec.json", json.dumps({"disks": self.disks}).encode())
        code, wrote = self.run_writer("write", "h1", "--spec", spec, *self.files, disks=False)
        self.assertEqual((code, wrote["completed"]), (0, True))

    def test_usage_errors(self):
        sixteen = [word for disk in self.disks for word in ("--disk", disk)]
        manifest = ["--manifest", self.manifest]
        for arguments in (["write", *manifest, *sixteen], ["write", *manifest, *sixteen[:-2], self.files[0]],
                          ["write", *manifest, *sixteen, "/nonexistent"], ["write", *sixteen, self.files[0]],
                          ["write", *manifest, *sixteen, "--prefix", "../x", self.files[0]],
                          ["read", *manifest], ["neither"], []):
            with self.subTest(arguments):
                done = subprocess.run([ERASURE_WRITER, *arguments], capture_output=True, check=False, timeout=20)
                self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    ERASURE_WRITER = sys.argv.pop(2)
    STORAGE_NODE = sys.argv.pop(1)
    unittest.main(verbosity=2)
