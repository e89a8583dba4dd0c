"""storage_node as its clients see it, by curl over h1 and h2c, and by raw sockets where curl is too polite.

usage: storage_node_test.py STORAGE_NODE
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import unittest

from processes import Scratch

BINARY = ""
BIG = os.urandom(1_500_000)
PROTOCOLS = {"h1": "--http1.1", "h2": "--http2-prior-knowledge"}


def read(path):
    return pathlib.Path(path).read_bytes() if os.path.exists(path) else b""


class Answer:
    def __init__(self, exit_code, status, headers, body):
        self.exit_code, self.status, self.headers, self.body = exit_code, status, headers, body


class StorageNodeTest(unittest.TestCase):
    def setUp(self):
        self.scratch = Scratch(BINARY)

    def curl(self, protocol, *arguments):
        head, body = self.scratch.path + "/head", self.scratch.path + "/body"
        for leftover in (head, body):
            if os.path.exists(leftover):
                os.remove(leftover)
        done = subprocess.run(
            ["curl", "-sS", "--max-time", "20", PROTOCOLS[protocol], "-D", head, "-o", body,
             "-w", "%{http_code}", "--path-as-is", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        return Answer(done.returncode, int(done.stdout or 0), read(head).decode().lower(), read(body))

    def tearDown(self):
        self.scratch.__exit__()

    def assertProblem(self, answer, status):
        self.assertEqual(answer.exit_code, 0)
        self.assertEqual(answer.status, status)
        self.assertIn("application/problem+json", answer.headers)
        problem = json.loads(answer.body)
        self.assertEqual(problem["status"], status)
        self.assertTrue(problem["detail"])

    def test_put_get_head_delete(self):
        node = self.scratch.start(disks=2)
        big = self.scratch.file("big", BIG)
        for protocol in PROTOCOLS:
            url = node.url(f"/chunks/disk2/a%20b/{protocol}")
            self.assertEqual(self.curl(protocol, "-T", big, url).status, 201)
            got = self.curl(protocol, url)
            self.assertEqual(got.status, 200)
            self.assertEqual(got.body, BIG)
            head = self.curl(protocol, "-I", url)
            self.assertEqual(head.status, 200)
            self.assertIn(f"content-length: {len(BIG)}", head.headers)
            self.assertIn('etag: "crc32c-', head.headers)
            self.assertTrue(os.path.exists(node.disk(2) + f"/chunks/a b/{protocol}"))
            self.assertEqual(self.curl(protocol, "-X", "DELETE", url).status, 204)
            self.assertProblem(self.curl(protocol, "-X", "DELETE", url), 404)
            self.assertProblem(self.curl(protocol, url), 404)
        self.assertEqual(node.stop(), (0, ""))

    def test_empty_and_chunked_bodies(self):
        node = self.scratch.start()
        empty, big = self.scratch.file("empty", b""), self.scratch.file("big", BIG)
        for protocol in PROTOCOLS:
            url = node.url(f"/chunks/disk1/{protocol}")
            self.assertEqual(self.curl(protocol, "-T", empty, url).status, 201)
            got = self.curl(protocol, url)
            self.assertEqual((got.status, got.body), (200, b""))
            with_unknown_length = ["-X", "PUT", "-H", "Transfer-Encoding: chunked", "--data-binary", "@" + big]
            self.assertEqual(self.curl(protocol, *with_unknown_length, url + "?overwrite=1").status, 204)
            self.assertEqual(self.curl(protocol, url).body, BIG)

    def test_existing_chunk_is_kept_unless_overwritten(self):
        node = self.scratch.start()
        big, small = self.scratch.file("big", BIG), self.scratch.file("small", b"small")
        for protocol in PROTOCOLS:
            url = node.url(f"/chunks/disk1/{protocol}")
            self.assertEqual(self.curl(protocol, "-T", small, url).status, 201)
            self.assertProblem(self.curl(protocol, "-T", big, url), 409)
            self.assertProblem(self.curl(protocol, "-H", "Expect: 100-continue", "-T", big, url), 409)
            self.assertEqual(self.curl(protocol, url).body, b"small")
            self.assertEqual(self.curl(protocol, "-T", big, url + "?overwrite=1").status, 204)
            self.assertEqual(self.curl(protocol, url).body, BIG)
        self.assertEqual(node.files("tmp"), [])

    def test_bad_targets_and_methods(self):
        node = self.scratch.start()
        for protocol in PROTOCOLS:
            for path in ("/chunks/disk1/../x", "/chunks/disk1/%2e%2e/x", "/chunks/disk1//x", "/chunks/disk1/",
                         "/chunks/disk1/a%2fb", "/chunks/disk1/a%zz", "/chunks/disk1/x?mode=1",
                         "/chunks/disk1/" + "s" * 256):
                with self.subTest(path):
                    self.assertProblem(self.curl(protocol, "-X", "PUT", "-d", "x", node.url(path)), 400)
            self.assertProblem(self.curl(protocol, node.url("/chunks/nodisk/x")), 404)
            self.assertProblem(self.curl(protocol, node.url("/elsewhere")), 404)
            post = self.curl(protocol, "-X", "POST", "-d", "x", node.url("/chunks/disk1/x"))
            self.assertProblem(post, 405)
            self.assertIn("allow: put, get, head, delete", post.headers)
            self.assertProblem(self.curl(protocol, "-X", "DELETE", node.url("/health")), 405)
        self.assertEqual(node.files("chunks"), [])

    def test_health(self):
        node = self.scratch.start(disks=2)
        for protocol in PROTOCOLS:
            answer = self.curl(protocol, node.url("/health"))
            self.assertEqual(answer.status, 200)
            self.assertEqual(json.loads(answer.body), {"status": "ok", "disks": ["disk1", "disk2"]})

    def test_notifications_are_told(self):
        node = self.scratch.start()
        for protocol in PROTOCOLS:
            url = node.url(f"/notifications/reload/{protocol}")
            self.assertEqual(self.curl(protocol, "-X", "POST", "-d", "users", url).status, 204)
            self.assertProblem(self.curl(protocol, url), 405)

    def test_full_disk(self):
        # No file may grow beyond this: to write() that is a disk without room.
        node = self.scratch.start(file_size_limit=1_000_000)
        big, small = self.scratch.file("big", BIG), self.scratch.file("small", b"small")
        for protocol in PROTOCOLS:
            url = node.url(f"/chunks/disk1/{protocol}")
            self.assertProblem(self.curl(protocol, "-T", big, url), 507)
            self.assertProblem(self.curl(protocol, url), 404)
            self.assertEqual(self.curl(protocol, "-T", small, url).status, 201)
        code, errors = node.stop()
        self.assertEqual(code, 0)
        self.assertEqual([json.loads(line)["status"] for line in errors.splitlines()], [507, 507])
        self.assertEqual(node.files("tmp"), [])

    def test_reserve_and_largest_chunk(self):
        node = self.scratch.start(arguments=["--reserve", "1000000TiB", "--max-chunk", "1MiB"])
        big, small = self.scratch.file("big", BIG), self.scratch.file("small", b"small")
        for protocol in PROTOCOLS:
            self.assertProblem(self.curl(protocol, "-T", small, node.url("/chunks/disk1/x")), 507)
            self.assertProblem(self.curl(protocol, "-T", big, node.url("/chunks/disk1/x")), 413)
            chunked = ["-X", "PUT", "-H", "Transfer-Encoding: chunked", "--data-binary", "@" + big]
            self.assertProblem(self.curl(protocol, *chunked, node.url("/chunks/disk1/x")), 507)

    def test_corrupt_chunk_is_never_a_whole_answer(self):
        node = self.scratch.start()
        for name, size in (("small", 1000), ("big", len(BIG))):
            content = self.scratch.file(name, BIG[:size])
            for protocol in PROTOCOLS:
                url = node.url(f"/chunks/disk1/{protocol}-{name}")
                self.assertEqual(self.curl(protocol, "-T", content, url).status, 201)
                with open(node.disk(1) + f"/chunks/{protocol}-{name}", "r+b") as chunk:
                    chunk.seek(size // 2)
                    byte = chunk.read(1)
                    chunk.seek(size // 2)
                    chunk.write(bytes([byte[0] ^ 1]))
                answer = self.curl(protocol, url)
                if name == "small":
                    self.assertProblem(answer, 500)
                    self.assertIn("corrupt chunk", json.loads(answer.body)["detail"])
                else:
                    self.assertNotEqual(answer.exit_code, 0)
                    self.assertLess(len(answer.body), size)
        code, errors = node.stop()
        self.assertEqual(code, 0)
        self.assertEqual([json.loads(line)["event"] for line in errors.splitlines()], ["chunk_read_failed"] * 4)

    def test_aborted_upload_leaves_nothing(self):
        node = self.scratch.start()
        host, port = node.address.split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"PUT /chunks/disk1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"y" * 500_000)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(20)
            while client.recv(4096):
                pass
        self.assertEqual(node.stop()[0], 0)
        self.assertEqual(node.files("chunks"), [])
        self.assertEqual(node.files("tmp"), [])

    def test_leftovers_of_a_crash_are_removed_at_start(self):
        node = self.scratch.start()
        node.kill()
        with open(node.disk(1) + "/tmp/12", "wb") as half:
            half.write(b"half")
        node = self.scratch.start()
        self.assertEqual(node.files("tmp"), [])

    def test_sigterm_lets_an_upload_finish(self):
        node = self.scratch.start()
        host, port = node.address.split(":")
        connect = lambda: socket.create_connection((host, int(port)))
        with connect() as idle, connect() as client, client.makefile("rb") as answers:
            client.settimeout(20)
            client.sendall(b"PUT /chunks/disk1/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
            self.assertIn(b"100", answers.readline())
            client.sendall(b"01234")
            node.signal(15)
            # Every accepted connection is told to close once the drain has begun: this idle one says when.
            idle.settimeout(20)
            self.assertEqual(idle.recv(1), b"")
            client.sendall(b"56789")
            self.assertEqual(answers.readline(), b"\r\n")
            self.assertIn(b"201", answers.readline())
        self.assertEqual(node.stop()[0], 0)
        self.assertEqual(node.files("chunks"), ["x"])

    def test_garbage_gets_400_and_a_closed_connection(self):
        node = self.scratch.start()
        host, port = node.address.split(":")
        with socket.create_connection((host, int(port))) as client:
            client.settimeout(20)
            client.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            answer = b""
            while part := client.recv(4096):
                answer += part
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)

    def test_usage_errors(self):
        for arguments in ([], ["--disk", "x"], ["--disk", "a=/tmp", "--disk", "a=/tmp"],
                          ["--disk", "a=/tmp", "--listen", "nowhere"], ["--nonsense"]):
            with self.subTest(arguments):
                done = subprocess.run([BINARY, *arguments], capture_output=True, check=False, timeout=20)
                self.assertEqual(done.returncode, 2)
        missing = subprocess.run([BINARY, "--disk", "a=/nonexistent", "--listen", "127.0.0.1:0"],
                                 capture_output=True, text=True, check=False, timeout=20)
        self.assertEqual(missing.returncode, 1)
        self.assertIn("/nonexistent", json.loads(missing.stderr)["detail"])


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
