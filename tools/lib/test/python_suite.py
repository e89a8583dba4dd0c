"""A Python suite (tests/integration, tests/lab): run in a process of its own, counted by test case."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from tools.lib.test.outcome import Outcome

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_TIMEOUT_S = 1500
# They wait more than they work, with a sanitizer a little. The lab measures time, with slack for one that works beside.
_JOBS, _JOBS_SANITIZED = {"tests/integration": 3, "tests/lab": 2}, {"tests/integration": 2}


def run(directory: str, build: pathlib.Path, environment: dict[str, str], prefix: list[str],
        patterns: list[str]) -> Outcome:
    with tempfile.NamedTemporaryFile(prefix="peerpulse-test-", suffix=".json") as result:
        jobs = (_JOBS_SANITIZED if environment else _JOBS).get(directory, 1)
        command = [*prefix, sys.executable, "-B", "-m", "tools.lib.test.unittest_process", directory, result.name,
                   "--jobs", str(jobs)]
        for pattern in patterns:
            command += ["-k", pattern]
        variables = {**os.environ, **environment, "PEERPULSE_BUILD": str(build)}
        process = subprocess.Popen(command, cwd=_ROOT, env=variables)
        try:
            status = process.wait(_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            print(f"  {directory}: not done after {_TIMEOUT_S} s", flush=True)
            process.terminate()
            process.wait()
            status = -1
        text = pathlib.Path(result.name).read_text(encoding="utf-8")
    if not text:
        text = f"{directory}: ended early, status {status}"
        print(f"  {text}", flush=True)
        return Outcome(failed=1, failures=[text])
    outcome = Outcome(**json.loads(text))
    if status != 0 and outcome.failed == 0:
        outcome.add(Outcome(failed=1, failures=[f"{directory}: exit {status}"]))
    return outcome
