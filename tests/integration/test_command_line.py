"""`peerpulse run|check|--version|--help` and the configuration's errors (design section 7)."""

import json
import os
import signal
import socket

from tests.harness.case import LocalCase
from tests.harness.peerpulse import Peer, Peerpulse, program


class CommandLine(LocalCase):
    def run_peerpulse(self, *arguments: str):
        done = self.host.run([program(), *arguments])
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def check(self, config) -> tuple[int, str]:
        """`peerpulse check` of a configuration; exit status and all output."""
        file = self.host.directory / "config.json"
        file.write_text(config if isinstance(config, str) else json.dumps(config), encoding="utf-8")
        status, output, errors = self.run_peerpulse("check", "--config", str(file))
        return status, output + errors

    def config(self, **changes) -> dict:
        peer = {"name": "node2", "listen": "127.0.0.1:9002", "address": "10.0.0.2:9000"}
        return {"node": "node1", "admin": {"listen": "127.0.0.1:9901"}, "peers": [peer], **changes}

    def test_version(self):
        status, output, _ = self.run_peerpulse("--version")
        self.assertEqual(status, 0)
        self.assertRegex(output, r"^(peerpulse )?\d+\.\d+\.\d+\n$")

    def test_help_of_the_program_and_of_each_command(self):
        for arguments, mentions in ((["--help"], "check"), (["run", "--help"], "--config"),
                                    (["check", "--help"], "--config")):
            with self.subTest(arguments=arguments):
                status, output, _ = self.run_peerpulse(*arguments)
                self.assertEqual(status, 0)
                self.assertIn(mentions, output)

    def test_bad_command_lines_exit_2(self):
        for arguments in ([], ["fly"], ["run"], ["check", "--nothing"], ["run", "--config"]):
            with self.subTest(arguments=arguments):
                status, output, errors = self.run_peerpulse(*arguments)
                self.assertEqual(status, 2, output + errors)
                self.assertTrue(errors.strip())

    def test_a_good_configuration_is_accepted(self):
        status, output = self.check(self.config())
        self.assertEqual(status, 0, output)

    def test_what_run_could_not_do_is_said_with_its_pointer_and_what_to_do(self):
        peer = self.config()["peers"][0]
        cases = [
            (self.config(admin={"listen": "unix:/nonexistent/admin.sock"}), "/admin/listen", "make it"),
            (self.config(peers=[{**peer, "listen": "203.0.113.7:9000"}]), "/peers/0/listen", "ip route add local"),
            (self.config(log={"file": "/nonexistent/log"}), "/log/file", "/nonexistent"),
            (self.config(admin={"listen": "127.0.0.1:9901", "token_file": "/nonexistent/token"}), "/admin/token_file", ""),
        ]
        for config, pointer, words in cases:
            with self.subTest(pointer=pointer):
                status, output = self.check(config)
                self.assertEqual(status, 2, output)
                self.assertIn(f"{pointer}: ", output)
                self.assertIn(words, output)

    def test_a_port_in_use_is_a_note(self):
        """It is most likely peerpulse that runs."""
        used = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        status, output = self.check(self.config(admin={"listen": "127.0.0.1:%d" % used.getsockname()[1]}))
        self.assertEqual(status, 0, output)
        self.assertRegex(output, r"(?m)^note: /admin/listen: .* is in use")

    def test_a_variable_that_makes_detection_slow_is_a_warning(self):
        file = self.host.directory / "config.json"
        file.write_text(json.dumps(self.config()), encoding="utf-8")
        variables = {**os.environ, "RUSTFS_HTTP2_KEEPALIVE_INTERVAL": "5", "RUSTFS_HTTP2_KEEPALIVE_TIMEOUT": "90"}
        done = self.host.run([program(), "check", "--config", str(file)], env=variables)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout.decode(), r"(?m)^warning: environment RUSTFS_.*90.* of silence, not after 65ms")

    def test_what_the_guard_needs_is_said(self):
        _, output = self.check(self.config())
        self.assertRegex(output, r"(?m)^guard: node2 \(proxy\+guard\); needs CAP_NET_ADMIN")
        self.assertIn("no guard.witness", output)
        _, output = self.check(self.config(guard={"mode": "proxy"}))
        self.assertIn("guard: nobody", output)

    def test_errors_name_the_place_what_was_found_and_what_was_expected(self):
        peer = self.config()["peers"][0]
        cases = [
            (self.config(nonsense=1), "/nonsense"),
            (self.config(workers="many"), "/workers"),
            (self.config(preset="cassandra"), "/preset"),
            (self.config(probe={"profile": "moon"}), "/probe/profile"),
            (self.config(probe={"interval": 20}), "/probe/interval"),
            (self.config(probe={"interval": "20 parsecs"}), "/probe/interval"),
            (self.config(peers=[{**peer, "on_dead": "panic"}]), "/peers/0/on_dead"),
            (self.config(peers=[{**peer, "address": "nowhere"}]), "/peers/0/address"),
            (self.config(peers=[{**peer, "listen": "127.0.0.1:99999"}]), "/peers/0/listen"),
            (self.config(peers=[peer, {**peer, "listen": "127.0.0.1:9003"}]), "/peers/1/name"),
            (self.config(peers=[peer, {**peer, "name": "node3"}]), "/peers/1/listen"),
            (self.config(peers=[{"name": "node2", "listen": "127.0.0.1:9002"}]), "/peers/0"),
        ]
        for config, pointer in cases:
            with self.subTest(pointer=pointer, config=json.dumps(config)):
                status, output = self.check(config)
                self.assertEqual(status, 2, output)
                self.assertIn(pointer, output)

    def test_an_error_tells_what_was_found(self):
        _, output = self.check(self.config(preset="cassandra"))
        self.assertIn("cassandra", output)
        self.assertIn("generic", output)

    def test_a_file_that_is_no_json_or_not_there(self):
        status, output = self.check('{"node": ')
        self.assertEqual(status, 2, output)
        status, _, errors = self.run_peerpulse("check", "--config", "/nonexistent.json")
        self.assertEqual(status, 2)
        self.assertIn("/nonexistent.json", errors)

    def test_run_says_the_same_as_check(self):
        file = self.host.directory / "bad.json"
        file.write_text(json.dumps(self.config(nonsense=1)), encoding="utf-8")
        checked = self.run_peerpulse("check", "--config", str(file))
        ran = self.run_peerpulse("run", "--config", str(file))
        self.assertEqual(ran[0], 2)
        self.assertIn("/nonsense", ran[1] + ran[2])
        self.assertEqual(ran[2], checked[2])

    def test_a_port_in_use_is_an_error(self):
        first = self.start_peerpulse(self.host, [Peer("node2", "127.0.0.1:1")])
        second = Peerpulse(self.host, [Peer("node2", "127.0.0.1:1")])
        second.config["admin"] = first.config["admin"]
        second.config_file.write_text(json.dumps(second.config), encoding="utf-8")
        status, output, errors = self.run_peerpulse("run", "--config", str(second.config_file))
        self.assertNotEqual(status, 0)
        self.assertIn(str(first.admin[1]), output + errors)

    def test_sigterm_and_sigint_end_an_idle_process_with_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                peerpulse = self.start_peerpulse(self.host, [Peer("node2", "127.0.0.1:1")])
                peerpulse.process.signal(number)
                self.assertEqual(peerpulse.process.popen.wait(10), 0)
