"""The next plan's build, made while the Python suites of this one run: they wait more than they work."""

import os
import shutil
import signal
import subprocess
import tempfile


class BuildAhead:
    """Runs only on processors that nobody else wants (SCHED_IDLE, sched(7)): the suites do not notice.

    What it has not finished by finish() is left to the build that follows; so is to say what failed.
    """

    def __init__(self, command: list[str]) -> None:
        # Without chrt it would take part of the suites' time: then it is not made.
        self._log = tempfile.TemporaryFile()
        chrt = shutil.which("chrt")
        self._process = None
        if chrt is not None:
            self._process = subprocess.Popen([chrt, "--idle", "0", *command], stdin=subprocess.DEVNULL, stdout=self._log,
                                             stderr=self._log, start_new_session=True)

    def finish(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGINT)  # ninja removes what is half-written
            self._process.wait()
            self._process = None
        self._log.close()
