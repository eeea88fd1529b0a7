"""CPython's multiprocessing.Pool of two workers; argument: which scenario."""
import gc
import multiprocessing as mp
import sys
import time
from statistics import median

from messages import emit

MIB = 1 << 20


def noop(i):
    return i


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def work(n):
    began = time.perf_counter()
    fibonacci(n)
    return (time.perf_counter() - began) * 1e3


def mib(data):
    data = bytearray(data)
    data[::4096] = bytes([data[0] + 1]) * 256
    return data


def timed(call):
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


def repeat(seconds, once):
    warm = time.perf_counter() + seconds / 2
    once()
    while time.perf_counter() < warm:
        once()
    figures, end = [], time.perf_counter() + seconds
    while len(figures) < 3 or time.perf_counter() < end:
        figures.append(once())
    return median(figures), len(figures)


def noops(pool, chunksize):
    took, got = timed(lambda: pool.map(noop, range(20000), chunksize))
    if got != list(range(20000)):
        raise ValueError('wrong results')
    return 20000 / took


def arrays(pool):
    items = [bytes([i & 127]) * MIB for i in range(200)]
    took, got = timed(lambda: pool.map(mib, items, 1))
    if len(got) != 200 or any(one[0] != (i & 127) + 1 for i, one in enumerate(got)):
        raise ValueError('wrong results')
    return 200 / took


def busy(pool):
    took, got = timed(lambda: pool.map(work, [23] * 200, 1))
    return 100 * sum(got) / 1e3 / (2 * took)


if __name__ == '__main__':
    seconds = float(sys.argv[2])
    with mp.get_context('spawn').Pool(2) as pool:
        if sys.argv[1] == 'tasks':
            emit('no-ops', *repeat(seconds / 2, lambda: noops(pool, 1)))
            copied = repeat(seconds / 2, lambda: arrays(pool))
            emit('1 MiB in and out', *copied)
            emit('1 MiB in and out, shared', *copied)
            emit('1 MiB in and out, shared, kept', *copied)
        elif sys.argv[1] == 'chunks':
            emit('no-ops', *repeat(seconds, lambda: noops(pool, None)))
        else:
            emit('tasks of 5 ms', *repeat(seconds, lambda: busy(pool)))
        pool.terminate()
        pool.join()

    pool = None  # its semaphores go before the helper that looks after them
    gc.collect()

    # Python leaves its helpers to init, which may take its time: whoever looks for survivors would see their zombies
    from multiprocessing import forkserver, resource_tracker

    for helper in (forkserver._forkserver, resource_tracker._resource_tracker):
        if hasattr(helper, '_stop'):
            helper._stop()
