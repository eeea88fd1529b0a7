"""CPython: an int there and back over two Queues, or over a Pipe."""
import multiprocessing as mp
import sys

from messages import round_trips


def echo(get, put):
    while True:
        item = get()
        if item == -1:
            return
        put(item)


def over_pipe(end):
    echo(end.recv, end.send)


def over_queues(there, back):
    echo(there.get, back.put)


if __name__ == '__main__':
    if sys.argv[1] == 'Pipe':
        mine, theirs = mp.Pipe()
        child = mp.Process(target=over_pipe, args=(theirs,), daemon=True)
        put, get = mine.send, mine.recv
    else:
        there, back = mp.Queue(), mp.Queue()
        child = mp.Process(target=over_queues, args=(there, back), daemon=True)
        put, get = there.put, back.get
    child.start()

    def once(i):
        put(i)
        if get() != i:
            raise ValueError('Expected the echo of %d' % i)

    round_trips(float(sys.argv[2]), once)
    put(-1)
    child.join(5)
    if child.exitcode != 0:
        raise SystemExit('The echo ended with %r' % child.exitcode)
