"""CPython's multiprocessing.Value, to which 2 or 4 processes add one under its lock."""
import multiprocessing as mp
import sys

from messages import emit, now, rate

PARTIES = [2, 4]


def add(counter, orders):
    lock = counter.get_lock()
    while True:
        n = orders.recv()
        if n is None:
            return
        start = now()
        for _ in range(n):
            with lock:
                counter.value += 1
        orders.send((start, now()))


if __name__ == '__main__':
    share = float(sys.argv[1]) / len(PARTIES) / 1.6
    counter = mp.Value('i', 0)
    ends, children = [], []
    for _ in range(max(PARTIES)):
        mine, theirs = mp.Pipe()
        child = mp.Process(target=add, args=(counter, theirs), daemon=True)
        child.start()
        ends.append(mine)
        children.append(child)
    for parties in PARTIES:

        def burst(n):
            each, before = -(-n // parties), counter.value
            for end in ends[:parties]:
                end.send(each)
            spans = [end.recv() for end in ends[:parties]]
            if counter.value - before != each * parties:
                raise ValueError('Expected the value to rise by %d, got %d' % (each * parties, counter.value - before))
            return (max(to for _, to in spans) - min(start for start, _ in spans)) / 1e9 * (n / (each * parties))

        per_second, n = rate(burst, share, 2000)
        emit('%d processes' % parties, per_second, n)
    for end in ends:
        end.send(None)
    for child in children:
        child.join(5)
