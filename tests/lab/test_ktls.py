"""kTLS on a kernel that has it, whatever this machine's has: tests/integration/test_ktls.py in user-mode Linux."""

import json
import os
import pathlib
import sys
import tempfile
import unittest

from tests.harness import uml

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_CASES = "test_ktls.WithKernel"
_COUNT = 6
_MODULES = ("gf128mul", "ghash-generic", "ctr", "gcm", "tls")


@unittest.skipIf(uml.missing(), uml.missing())
class Ktls(unittest.TestCase):
    def test_in_a_kernel_that_has_it(self):
        with tempfile.TemporaryDirectory(prefix="peerpulse-test-") as directory:
            result = pathlib.Path(directory) / "result.json"
            console = uml.run(
                [sys.executable, "-B", "-m", "tools.lib.test.unittest_process", "tests/integration", str(result), "-k", _CASES],
                _MODULES, _ROOT, timeout=100, environment={"PEERPULSE_BUILD": os.path.abspath(os.environ["PEERPULSE_BUILD"])})
            outcome = json.loads(result.read_text()) if result.exists() else {}
        self.assertEqual((outcome.get("passed"), outcome.get("failed"), outcome.get("skipped")), (_COUNT, 0, 0), console)
