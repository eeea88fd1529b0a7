"""CPython's multiprocessing.Barrier, at which 2 or 4 processes meet again and again."""
import multiprocessing as mp
import sys

from contend import PARTIES, Crew
from messages import emit, now, rate


def meet(barrier, rounds, party, orders):
    while True:
        n = orders.recv()
        if n is None:
            return
        barrier.wait()
        start, total = now(), 0
        for current in range(1, n + 1):
            rounds[party] = current
            total += barrier.wait()
            for other in rounds:
                if not current <= other <= current + 1:
                    raise ValueError('In round %d a party is at %d' % (current, other))
        orders.send((start, now(), total))


if __name__ == '__main__':
    share = float(sys.argv[1]) / len(PARTIES) / 1.6
    for parties in PARTIES:
        barrier = mp.Barrier(parties)
        rounds = mp.Array('i', parties, lock=False)
        crew = Crew(parties, meet, lambda party: (barrier, rounds, party))

        def burst(n):
            for i in range(parties):
                rounds[i] = 0
            reports = crew.do(n)
            if sum(r[2] for r in reports) != n * parties * (parties - 1) // 2:
                raise ValueError('Expected each index once in each round')
            return (max(r[1] for r in reports) - min(r[0] for r in reports)) / 1e9

        per_second, n = rate(burst, share, 200)
        emit('%d processes' % parties, per_second, n)
        crew.dismiss()
