"""Starts storage nodes on ports the system picks, and ends them. Used by the tests beside it."""

import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile


class StorageNode:
    """One storage_node process with its disks below `root`."""

    def __init__(self, binary, root, disks=1, arguments=(), file_size_limit=None):
        self.root = root
        command = [binary, "--listen", "127.0.0.1:0", "--workers", "1", *arguments]
        for i in range(1, disks + 1):
            os.makedirs(self.disk(i), exist_ok=True)
            command += ["--disk", f"disk{i}={self.disk(i)}"]

        def limit():
            if file_size_limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size_limit, file_size_limit))

        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"storage_node did not start: {self.process.stderr.read()}")
        listening = json.loads(line)
        assert listening["event"] == "listening", listening
        self.address = listening["address"]

    def disk(self, number):
        return os.path.join(self.root, f"disk{number}")

    def url(self, path):
        return f"http://{self.address}{path}"

    def files(self, folder):
        """Files below disk1/<folder>, relative to it."""
        top = os.path.join(self.disk(1), folder)
        return sorted(os.path.relpath(os.path.join(where, name), top)
                      for where, _, names in os.walk(top) for name in names)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; the exit code, and what it wrote to stderr."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors

    def kill(self):
        self.process.kill()
        self.process.communicate()


class Scratch:
    """A temporary folder and the nodes started in it; leaves neither behind."""

    def __init__(self, binary):
        self.binary = binary
        self.path = tempfile.mkdtemp(prefix="peerpulse-tools-")
        self.nodes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            if node.process.poll() is None:
                node.kill()
        shutil.rmtree(self.path, ignore_errors=True)

    def start(self, name="node", **options):
        node = StorageNode(self.binary, os.path.join(self.path, name), **options)
        self.nodes.append(node)
        return node

    def file(self, name, content):
        path = os.path.join(self.path, name)
        with open(path, "wb") as out:
            out.write(content)
        return path
