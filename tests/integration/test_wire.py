"""The wire catalogue on real sockets: a bounded part of what tools/wire --all runs."""

import asyncio
import unittest

from tests.harness.peerpulse import SANITIZER
from tests.wire.catalogue import SIDES, load
from tests.wire.differential import compare_all
from tests.wire.runner import Plan, run_all

_LEAST_CASES = 1000
# Sanitized programs are slow: one transport, whole, byte by byte.
_PLAN = Plan(boundaries=0, transports=(False,)) if SANITIZER else Plan(boundaries=1, bytewise=False)
_TOLD = 20


class WireCatalogue(unittest.TestCase):
    maxDiff = None

    def _run(self, side: str) -> None:
        cases = [case for case in load() if case.side == side]
        self.assertGreater(len(cases), 50)
        outcome = asyncio.run(run_all(cases, _PLAN))
        self.assertEqual(outcome.wrong[:_TOLD], [], outcome.summary())
        self.assertGreaterEqual(outcome.exact, 2 * len(cases))

    def test_h1_requests(self):
        self._run("h1 request")

    def test_h1_responses(self):
        self._run("h1 response")

    def test_h2_requests(self):
        self._run("h2 request")

    def test_h2_responses(self):
        self._run("h2 response")

    def test_other_implementations_read_the_same(self):
        compared = compare_all(load())
        self.assertEqual(compared.wrong, [], compared.summary())
        self.assertGreater(compared.same, compared.intended)

    def test_it_is_whole(self):
        cases = load()
        self.assertGreaterEqual(len(cases), _LEAST_CASES)
        self.assertEqual({case.side for case in cases}, set(SIDES))
