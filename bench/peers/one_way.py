"""1 MiB of bytes one way over a connection: from the first send_bytes to the last recv_bytes."""
from messages import KINDS, emit, now, rate

KIND = '1 MiB'


def receive(conn):
    check = KINDS[KIND].check
    while True:
        try:
            n = conn.recv()
        except EOFError:
            return
        total = 0
        for i in range(n):
            total += check(conn.recv_bytes(), i)
        conn.send((now(), n, total))


def send(conn, seconds):
    kind = KINDS[KIND]
    kind.sum(1)

    def burst(n):
        conn.send(n)
        start = now()
        for i in range(n):
            conn.send_bytes(kind.make(i))
        at, count, total = conn.recv()
        if count != n or total != kind.sum(n):
            raise ValueError('expected %d items with checksum %d, got %d with %d' % (n, kind.sum(n), count, total))
        return (at - start) / 1e9

    emit(KIND, *rate(burst, seconds / 1.6, kind.first, kind.most))
