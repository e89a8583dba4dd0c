"""Numbered pieces of work, shared by some processes: each takes the next one when it is done with its last."""

import multiprocessing
from collections.abc import Callable, Iterator

from tools.lib.test.outcome import Outcome

_FORK = multiprocessing.get_context("fork")


def _taken(following, count: int) -> Iterator[int]:
    while True:
        with following.get_lock():
            number = following.value
            following.value += 1
        if number >= count:
            return
        yield number


def run(jobs: int, count: int, work: Callable[[Iterator[int]], Outcome]) -> Outcome:
    """`work` is called with the numbers below `count` that its process takes, one after the other; jobs=1: all, here.

    A process that ends without an outcome (a crash, sys.exit()) is a failure.
    """
    if jobs <= 1:
        return work(iter(range(count)))
    following = _FORK.Value("l", 0)
    workers = []
    total = Outcome()
    try:
        for _ in range(jobs):
            receiver, sender = _FORK.Pipe(duplex=False)
            # No daemon: those may have no processes of their own.
            worker = _FORK.Process(target=lambda sender=sender: sender.send(work(_taken(following, count))))
            worker.start()
            sender.close()
            workers.append((worker, receiver))
        for worker, receiver in workers:
            try:
                total.add(receiver.recv())
            except EOFError:
                worker.join()
                text = f"a test process ended early, status {worker.exitcode}"
                print(f"  {text}", flush=True)
                total.add(Outcome(failed=1, failures=[text]))
            worker.join()
    finally:
        for worker, _ in workers:
            worker.terminate()
            worker.join()
    return total
