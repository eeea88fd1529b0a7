"""CPython's Listener and Client over a Unix socket, without a key: an int there and back, or 1 MiB of bytes one way."""
import multiprocessing as mp
import sys
from multiprocessing.connection import Client, Listener

from messages import KINDS, emit, now, rate, round_trips

KIND = '1 MiB'


def echo(address):
    with Client(address) as conn:
        while True:
            try:
                item = conn.recv()
            except EOFError:
                return
            conn.send(item)


def receive(address):
    check = KINDS[KIND].check
    with Client(address) as conn:
        while True:
            try:
                n = conn.recv()
            except EOFError:
                return
            total = 0
            for i in range(n):
                total += check(conn.recv_bytes(), i)
            conn.send((now(), n, total))


if __name__ == '__main__':
    what, seconds = {'echo': echo, 'receive': receive}[sys.argv[1]], float(sys.argv[2])
    listener = Listener(None, 'AF_UNIX')
    child = mp.Process(target=what, args=(listener.address,), daemon=True)
    child.start()
    conn = listener.accept()
    listener.close()

    def once(i):
        conn.send(i)
        if conn.recv() != i:
            raise ValueError('Expected the echo of %d' % i)

    def burst(n):
        conn.send(n)
        start = now()
        for i in range(n):
            conn.send_bytes(kind.make(i))
        at, count, total = conn.recv()
        if count != n or total != kind.sum(n):
            raise ValueError('expected %d items with checksum %d, got %d with %d' % (n, kind.sum(n), count, total))
        return (at - start) / 1e9

    if what is echo:
        round_trips(seconds, once)
    else:
        kind = KINDS[KIND]
        kind.sum(1)
        emit(KIND, *rate(burst, seconds / 1.6, kind.first, kind.most))
    conn.close()
    child.join(5)
    if child.exitcode != 0:
        raise SystemExit('The other side ended with %r' % child.exitcode)
