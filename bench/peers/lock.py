"""CPython's multiprocessing.Lock alone, and 2 or 4 processes that add one to a shared counter under it."""
import multiprocessing as mp
import sys

from contend import PARTIES, contend
from messages import emit, now, rate

if __name__ == '__main__':
    share = float(sys.argv[1]) / (1 + len(PARTIES)) / 1.6
    lock = mp.Lock()

    def alone(n):
        acquire, release, start = lock.acquire, lock.release, now()
        for _ in range(n):
            acquire()
            release()
        return (now() - start) / 1e9

    per_second, n = rate(alone, share, 1000)
    emit('alone', 1e9 / per_second, n)
    for parties, per_second, n in contend(lock, mp.Value('i', 0, lock=False), share):
        emit('%d processes' % parties, 1e9 / per_second, n)
