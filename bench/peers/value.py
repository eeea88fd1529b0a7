"""CPython's multiprocessing.Value, to which 2 or 4 processes add one under its lock."""
import multiprocessing as mp
import sys

from contend import PARTIES, contend
from messages import emit

if __name__ == '__main__':
    counter = mp.Value('i', 0)
    for parties, per_second, n in contend(counter.get_lock(), counter, float(sys.argv[1]) / len(PARTIES) / 1.6):
        emit('%d processes' % parties, per_second, n)
