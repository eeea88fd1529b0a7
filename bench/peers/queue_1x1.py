"""CPython's multiprocessing.Queue, one producer to one consumer: from the first put to the last get."""
import multiprocessing as mp
import sys

from messages import KINDS, emit, now, rate


def consume(queue, orders):
    get = queue.get
    while True:
        order = orders.recv()
        if order is None:
            return
        kind, n = order
        check, total = KINDS[kind].check, 0
        for i in range(n):
            total += check(get(), i)
        orders.send((now(), n, total))


def drive(queue, orders, seconds):
    def burst(name, n):
        kind = KINDS[name]
        orders.send((name, n))
        put, make, start = queue.put, kind.make, now()
        for i in range(n):
            put(make(i))
        at, count, total = orders.recv()
        if count != n or total != kind.sum(n):
            raise ValueError('%s: expected %d items with checksum %d, got %d with %d' % (name, n, kind.sum(n), count, total))
        return (at - start) / 1e9

    for kind in KINDS.values():
        kind.sum(1)
    warm = now() + 150000000
    while now() < warm:
        burst('object', 1000)
    for name, kind in KINDS.items():
        emit(name, *rate(lambda n: burst(name, n), seconds / len(KINDS) / 1.6, kind.first, kind.most))


if __name__ == '__main__':
    queue = mp.Queue()
    orders, theirs = mp.Pipe()
    consumer = mp.Process(target=consume, args=(queue, theirs), daemon=True)
    consumer.start()
    theirs.close()
    drive(queue, orders, float(sys.argv[1]))
    orders.send(None)
    consumer.join(5)
    if consumer.exitcode != 0:
        raise SystemExit('The consumer ended with %r' % consumer.exitcode)
