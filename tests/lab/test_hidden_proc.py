"""As systemd's ProcSubset=pid shows /proc: without what is of the host, /proc/stat among it."""

import time

from tests.harness.case import LabCase
from tests.harness.peerpulse import Peer

_HIDDEN = ("unshare", "--mount", "sh", "-c", "mount -t proc -o subset=pid proc /proc && exec \"$@\"", "sh")


class HiddenProc(LabCase):
    nodes = 1

    def test_the_process_knows_when_it_was_started(self):
        if self.local.run([*_HIDDEN, "true"]).returncode != 0:
            self.skipTest("this kernel knows no subset=pid of /proc (Linux 5.8)")
        before = time.time()
        peerpulse = self.start_peerpulse(self.local, [Peer("node2", "10.77.0.99:9000")], launcher=_HIDDEN)
        started = peerpulse.metrics()["process_start_time_seconds"]
        self.assertGreater(started, before - 2)
        self.assertLess(started, time.time() + 2)
