"""CPython's Pipe, 1 MiB of bytes one way: from the first send_bytes to the last recv_bytes."""
import multiprocessing as mp
import sys

from messages import KINDS, emit, now, rate

KIND = '1 MiB'


def receive(end):
    check = KINDS[KIND].check
    while True:
        try:
            n = end.recv()
        except EOFError:
            return
        total = 0
        for i in range(n):
            total += check(end.recv_bytes(), i)
        end.send((now(), n, total))


if __name__ == '__main__':
    mine, theirs = mp.Pipe()
    child = mp.Process(target=receive, args=(theirs,), daemon=True)
    child.start()
    theirs.close()
    kind = KINDS[KIND]
    kind.sum(1)

    def burst(n):
        mine.send(n)
        start = now()
        for i in range(n):
            mine.send_bytes(kind.make(i))
        at, count, total = mine.recv()
        if count != n or total != kind.sum(n):
            raise ValueError('expected %d items with checksum %d, got %d with %d' % (n, kind.sum(n), count, total))
        return (at - start) / 1e9

    emit(KIND, *rate(burst, float(sys.argv[1]) / 1.6, kind.first, kind.most))
    mine.close()
    child.join(5)
