"""CPython's Manager: a dict asked by one client, call by call, and objects made."""
import multiprocessing as mp
import sys

from messages import emit, now, rate

if __name__ == '__main__':
    share = float(sys.argv[1]) / 3 / 1.6
    manager = mp.Manager()
    shared = manager.dict()
    shared['key'] = 7

    def get(n):
        for _ in range(n):
            if shared['key'] != 7:
                raise ValueError('Expected 7')

    def put(n):
        for i in range(n):
            shared['other'] = i
        if shared['other'] != n - 1:
            raise ValueError('Expected %d' % (n - 1))

    def make(n):
        for _ in range(n):
            manager.list()

    for metric, act, first in (('get', get, 500), ('set', put, 500), ('objects made', make, 20)):

        def burst(n):
            start = now()
            act(n)
            return (now() - start) / 1e9

        per_second, n = rate(burst, share, first)
        emit(metric, per_second, n)
    manager.shutdown()
