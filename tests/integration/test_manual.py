"""The manual page and the completions know every command and option that --help does, and no other."""

import pathlib
import re
import shutil
import subprocess

from tests.harness import cli
from tests.harness.case import LocalCase

_CLI = pathlib.Path(__file__).resolve().parents[2] / "src/cli"
_MANUAL = _CLI / "peerpulse.1"
_BASH = _CLI / "completions/peerpulse.bash"
_ZSH = _CLI / "completions/_peerpulse"
_ASK = {"--admin", "--config", "--json", "--help"}


class Manual(LocalCase):
    def setUp(self):
        super().setUp()
        text = cli.run(self.host, "--help").output
        self.options = {"": self.options_of(text)}
        for command in re.findall(r"^  ([a-z]+) +\S", text.partition("Subcommands:")[2], re.MULTILINE):
            self.options[command] = self.options_of(cli.run(self.host, command, "--help").output)
        self.assertLessEqual({"run", "check", "status", "peers", "events", "diagnose", "doctor", "top", "override", "recipe"},
                             set(self.options))

    @staticmethod
    def options_of(text: str) -> set[str]:
        return set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", text, re.MULTILINE))

    def section(self, command: str) -> str:
        """Of the manual page, in its source."""
        found = re.search(rf"^\.Ss {command}\b.*?(?=^\.S[sh] )", _MANUAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        self.assertIsNotNone(found, command)
        return found.group(0)

    def test_the_manual_page_has_each_command_with_its_options(self):
        manual = _MANUAL.read_text(encoding="utf-8")
        for command, options in self.options.items():
            with self.subTest(command=command):
                if not command:
                    for option in options:
                        self.assertIn(f"Fl -{option[2:]}", manual)
                    continue
                described = {"--" + name for name in re.findall(r"^\.It Fl -([a-z-]+)", self.section(command), re.MULTILINE)}
                common = {"--help"} if command in ("run", "check", "recipe") else _ASK
                self.assertEqual(described | common, options)

    def test_the_manual_page_is_well_formed(self):
        if shutil.which("man") is None:
            self.skipTest("man is not installed (package man-db)")
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", str(_MANUAL)], capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8"}, check=True)
        self.assertEqual(done.stderr, "")
        self.assertIn("--store-pid", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^EXIT STATUS$")

    def completed(self, *words: str) -> set[str]:
        script = (f'source {_BASH}; peerpulse() {{ printf "PEER X\\nnode2 a\\nnode3 b\\n"; }}; COMP_WORDS=("$@"); '
                  'COMP_CWORD=$(($# - 1)); _peerpulse; printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return set(done.stdout.split())

    def test_bash_completes_commands_options_and_names(self):
        self.assertEqual(self.completed("peerpulse", ""), (set(self.options) - {""}) | self.options[""])
        for command, options in self.options.items():
            if command:
                self.assertEqual(self.completed("peerpulse", command, "--"), options, command)
        self.assertEqual(self.completed("peerpulse", "st"), {"status"})
        self.assertEqual(self.completed("peerpulse", "diagnose", ""), {"node2", "node3"})
        self.assertEqual(self.completed("peerpulse", "override", "node2", "c"), {"closed"})
        self.assertEqual(self.completed("peerpulse", "override", "node2", "open", "--ttl", ""), set())

    def test_zsh_knows_them(self):
        text = _ZSH.read_text(encoding="utf-8")
        for command, options in self.options.items():
            for option in options:
                self.assertIn(option, text, command)
            self.assertIn(f"'{command}:" if command else "#compdef peerpulse", text)
        if shutil.which("zsh") is None:
            self.skipTest("the rest needs zsh, which is not installed")
        offered = self.offered_by_zsh("peerpulse", "")
        for command in set(self.options) - {""}:
            self.assertIn(f"{command}:", offered)
            words = self.offered_by_zsh("peerpulse", command, "--")
            for option in self.options[command]:
                self.assertRegex(words, rf"(?m)(^|[,{{)*]){option}(\[|,|$)", command)
        self.assertEqual(self.offered_by_zsh("peerpulse", "peers", "", then="_peerpulse_peers").split()[-2:], ["node2", "node3"])

    def offered_by_zsh(self, *words: str, then: str = "true") -> str:
        """What our function gives to the system of completion, which needs a terminal."""
        script = ("_arguments() { print -rl -- $@ }; _describe() { print -rl -- ${(P)2} }; compadd() { print -rl -- ${(P)2} }; "
                  'peerpulse() { print -rl -- "PEER X" "node2 a" "node3 b" }; '
                  f'words=("$@"); CURRENT=$#; source {_ZSH}; {then}')
        done = subprocess.run(["zsh", "-f", "-c", script, "zsh", *words], capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout
