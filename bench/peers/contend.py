"""Processes that do the same at once, as in bench/contend.ts: each is told over a pipe how often; and those that add one to a counter."""
import multiprocessing as mp

from messages import now, rate

PARTIES = [2, 4]


class Crew:
    """So many processes; `target` is given `args(party)` and its end of a pipe."""

    def __init__(self, parties, target, args):
        self.ends, self.children = [], []
        for party in range(parties):
            mine, theirs = mp.Pipe()
            child = mp.Process(target=target, args=(*args(party), theirs), daemon=True)
            child.start()
            self.ends.append(mine)
            self.children.append(child)

    def do(self, n, parties=None):
        """Tells the first so many; gives what each says when it is done."""
        for end in self.ends[:parties]:
            end.send(n)
        return [end.recv() for end in self.ends[:parties]]

    def dismiss(self):
        for end in self.ends:
            end.send(None)
        for child in self.children:
            child.join(5)


def add(lock, counter, orders):
    while True:
        n = orders.recv()
        if n is None:
            return
        start = now()
        for _ in range(n):
            with lock:
                counter.value += 1
        orders.send((start, now()))


def contend(lock, counter, seconds):
    """For each number of parties: how many add one per second, all together, and out of how many that is."""
    crew = Crew(max(PARTIES), add, lambda party: (lock, counter))
    for parties in PARTIES:

        def burst(n):
            each, before = -(-n // parties), counter.value
            spans = crew.do(each, parties)
            if counter.value - before != each * parties:
                raise ValueError('Expected the counter to rise by %d, got %d' % (each * parties, counter.value - before))
            return (max(to for _, to in spans) - min(start for start, _ in spans)) / 1e9 * (n / (each * parties))

        yield (parties, *rate(burst, seconds, 2000))
    crew.dismiss()
