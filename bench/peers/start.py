"""CPython's multiprocessing.Process: from start() to the first line of its target, and start() itself; argument: start method."""
import multiprocessing as mp
import sys
import time
from statistics import median

from messages import emit, now

PAUSE = 0.25
FEWEST = 5


def say_when(value):
    value.value = now()


if __name__ == '__main__':
    context = mp.get_context(sys.argv[1])
    seconds = float(sys.argv[2])
    value = context.Value('q', 0, lock=False)

    def once():
        child = context.Process(target=say_when, args=(value,))
        begin = now()
        child.start()
        started = now()
        child.join()
        assert child.exitcode == 0
        return (value.value - begin) / 1e6, (started - begin) / 1e6

    once()
    samples, end = [], now() + seconds * 1e9
    while len(samples) < FEWEST or now() < end:
        time.sleep(PAUSE)
        samples.append(once())
    for i, metric in enumerate(('first line', 'start() itself')):
        emit(metric, median(sample[i] for sample in samples), len(samples))

    # Python leaves its helpers to init, which may take its time: whoever looks for survivors would see their zombies
    from multiprocessing import forkserver, resource_tracker

    for helper in (forkserver._forkserver, resource_tracker._resource_tracker):
        if hasattr(helper, '_stop'):
            helper._stop()
