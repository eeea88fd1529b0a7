"""CPython's Listener and Client over a Unix socket, without a key: an int there and back, or 1 MiB of bytes one way."""
import multiprocessing as mp
import sys
from multiprocessing.connection import Client, Listener

import one_way
from messages import round_trips


def echo(address):
    with Client(address) as conn:
        while True:
            try:
                item = conn.recv()
            except EOFError:
                return
            conn.send(item)


def receive(address):
    with Client(address) as conn:
        one_way.receive(conn)


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

    if what is echo:
        round_trips(seconds, once)
    else:
        one_way.send(conn, seconds)
    conn.close()
    child.join(5)
    if child.exitcode != 0:
        raise SystemExit('The other side ended with %r' % child.exitcode)
