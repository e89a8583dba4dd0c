"""`tools/bench/fresh_machine`: what fails on the fresh machine, or is slow, is no success. The machine is none here: the programs
that make and enter it are stand-ins."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

_TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools/bench/fresh_machine"
_DATE = """n=$(cat "$STANDINS/now" 2>/dev/null || echo 0)
echo $((n + STEP)) >"$STANDINS/now"
echo "$n"
"""
_STANDINS = {
    "id": "echo 0",
    "debootstrap": 'mkdir -p "$3/etc" "$3/root"',
    "git": ":",
    "cp": ":",
    "mount": 'echo "$@" >>"$STANDINS/mounts"',
    "umount": ":",
    "mountpoint": '[ "$2" = /dev/shm ]',
    "chroot": 'case $* in *"$FAILS") exit 3 ;; esac',
    "date": _DATE,
}
"""Each command takes $STEP seconds, and the one that ends with $FAILS fails."""


class FreshMachine(unittest.TestCase):
    def run_tool(self, step: int, fails: str = "nothing"):
        with tempfile.TemporaryDirectory() as folder:
            for name, body in _STANDINS.items():
                file = pathlib.Path(folder, name)
                file.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
                file.chmod(0o755)
            env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": folder, "STANDINS": folder, "STEP": str(step),
                   "FAILS": fails}
            done = subprocess.run([str(_TOOL)], env=env, capture_output=True, text=True, timeout=120, check=False)
            mounts = pathlib.Path(folder, "mounts").read_text(encoding="utf-8")
            self.assertEqual(list(pathlib.Path(folder).glob("peerpulse-fresh-*")), [], "the machine is removed")
        return done, mounts

    def test_how_long_both_took(self):
        done, mounts = self.run_tool(100)
        self.assertEqual(done.returncode, 0, done.stderr)
        seconds = json.loads(done.stdout)
        self.assertEqual((seconds["demo_from_cold_s"], seconds["build_peerpulse_s"]), (100, 100))
        self.assertIn("--bind /dev/shm ", mounts)

    def test_a_command_that_fails_is_not_fast(self):
        for command in ("tools/demo", "tools/build peerpulse"):
            done, _mounts = self.run_tool(1, fails=command)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            self.assertIn("failed", done.stderr)

    def test_one_that_is_slow_is_told(self):
        done, _mounts = self.run_tool(200)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)["build_peerpulse_s"], 200)
        self.assertIn("too slow", done.stderr)
