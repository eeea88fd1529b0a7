"""CPython's side of differential.test.ts: makes values, and judges what comes back.

Lines on standard output and input are base64; a line of one dot ends a part.
1. we print `count` pickles, and get what Node read of each and wrote again: it must be what we read of ours
2. we get pickles from Node, and print what we read of each and wrote again, in some protocol
3. we get pairs of an expression and a pickle, which must be equal, types and all
"""
import array
import base64
import collections
import datetime
import decimal
import fractions
import pickle
import queue
import random
import struct
import sys
import threading
import uuid
import multiprocessing
from datetime import date, time, timedelta, timezone
from decimal import Decimal
from multiprocessing.managers import RemoteError
from multiprocessing.reduction import ForkingPickler

seed, count = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(seed)


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


class Slotted:
    __slots__ = ('a', 'b')


class Named(collections.namedtuple('Named', 'a b')):
    pass


class Keyed:
    """Made with named arguments: NEWOBJ_EX."""

    def __new__(cls, *, key=None):
        made = super().__new__(cls)
        made.key = key
        return made

    def __getnewargs_ex__(self):
        return (), {'key': self.key}


class Rows(list):
    pass


class Table(dict):
    pass


class Mistake(Exception):
    pass


INTS = [0, 1, -1, 127, 128, -128, -129, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**32, 2**40,
        2**47, -2**47, 2**48, -2**48 - 1, 2**53 - 1, 2**53, -2**53, 2**53 + 1, 2**55, -2**55, -2**55 - 1, 2**63 - 1,
        2**63, -2**63, -2**63 - 1, 2**64, 10**40, -10**40, 2**2039, -2**2039, 2**2040, 256**255, -256**300]
FLOATS = [0.0, -0.0, 1.0, -1.0, 1.5, 0.1, 1e16, 2.0**53, -2.0**53, 1e300, 5e-324, float('inf'), float('-inf'), float('nan')]
TEXTS = ['', 'a', '\0', '\n', "it's", '"', '\\', '\\u0041', '\\\\', 'é', '\x7f\x80\xff', '\ufeffbom', '\ufffd', '日本語',
         '\U0001f600', '\ud800', '\udfff', 'a\udc80b', '\udc00\ud800', '\uffff', '\U0010ffff', '__proto__', 'constructor']
ERRORS = [ValueError, KeyError, TypeError, OSError, RuntimeError, StopIteration, KeyboardInterrupt, ZeroDivisionError,
          EOFError, BrokenPipeError, TimeoutError, ConnectionResetError, queue.Empty, queue.Full, RemoteError, Mistake,
          multiprocessing.TimeoutError, multiprocessing.AuthenticationError, multiprocessing.BufferTooShort,
          threading.BrokenBarrierError, decimal.InvalidOperation, NotImplementedError, UserWarning]


def integer():
    if rng.random() < 0.5:
        return rng.choice(INTS) + rng.choice([0, 0, 1, -1])
    return rng.getrandbits(rng.choice([4, 8, 16, 31, 33, 52, 54, 64, 200, 3000])) * rng.choice([1, -1])


def real():
    if rng.random() < 0.5:
        return rng.choice(FLOATS)
    return struct.unpack('<d', rng.getrandbits(64).to_bytes(8, 'little'))[0]


def text():
    if rng.random() < 0.4:
        return rng.choice(TEXTS) + rng.choice(['', 'x'])
    size = rng.choice([1, 5, 20, 33, 85, 86, 255, 256, 300])
    top = rng.choice([0x7f, 0x7f, 0xff, 0x7ff, 0xd7ff, 0x10ffff])
    # two halves beside each other are one sign to JavaScript
    return ''.join(chr(n) for n in (rng.randint(0, top) for _ in range(size)) if not 0xd800 <= n < 0xe000)


def some_bytes():
    return bytes(rng.getrandbits(8) for _ in range(rng.choice([0, 1, 3, 10, 255, 256, 400])))


def zone():
    return rng.choice([None, timezone.utc, timezone.utc, timezone(timedelta(hours=-5)), timezone(timedelta(minutes=345), 'NPT'),
                       timezone(timedelta(0), 'GMT')])


def micro():
    return rng.choice([0, 1, 999, 1000, 678901, 999000, 999999])


def moment():
    kind = rng.randrange(4)
    if kind == 0:
        return date(rng.randint(1, 9999), rng.randint(1, 12), rng.randint(1, 28))
    if kind == 1:
        return time(rng.randrange(24), rng.randrange(60), rng.randrange(60), micro(), zone(), fold=rng.randrange(2))
    if kind == 2:
        return timedelta(rng.randint(-10**6, 10**6), rng.randrange(86400), rng.randrange(10**6))
    return datetime.datetime(rng.choice([1, 70, 1970, 2000, 9999]), rng.randint(1, 12), rng.randint(1, 28), rng.randrange(24),
                             rng.randrange(60), rng.randrange(60), micro(), zone(), fold=rng.choice([0, 0, 0, 1]))


def record():
    return rng.choice([
        lambda: Decimal(rng.choice(['1.50', '-0', 'NaN', '1E+30', '19.90'])),
        lambda: fractions.Fraction(rng.randint(-99, 99), rng.randint(1, 99)),
        lambda: uuid.UUID(int=rng.getrandbits(128)),
        lambda: range(rng.randint(-9, 9), 99, rng.randint(1, 9)),
        lambda: complex(rng.randint(-9, 9), 1.5),
        lambda: slice(rng.choice([None, 1]), rng.choice([None, 9]), None),
        lambda: rng.choice([int, len, Point, Ellipsis, NotImplemented, collections.OrderedDict]),
    ])()


def some_array():
    code = rng.choice('bBhHiIlLqQfd')
    if code in 'fd':
        return array.array(code, [rng.choice([0.0, -0.0, 1.5, 1e30, float('inf')]) for _ in range(rng.randrange(5))])
    bits = 8 * array.array(code).itemsize
    low = -(1 << (bits - 1)) if code.islower() else 0
    return array.array(code, [rng.choice([low, low + (1 << bits) - 1, 1]) for _ in range(rng.randrange(5))])


def error(left):
    made = rng.choice(ERRORS)(*rng.choice([(), ('text',), (5,), (2, 'No such file'), (2, 'gone', 'a.txt'), (hashable(1),), (1, 2, 3)]))
    if rng.random() < 0.2:
        made.__notes__ = ['a note', 'another']
    if rng.random() < 0.2:
        made.detail = value(left - 1)
    return made


def hashable(left):
    kind = rng.randrange(9 if left > 0 else 7)
    if kind < 2:
        return text()
    if kind == 2:
        return integer()
    if kind == 3:
        return rng.choice([None, True, 0.5, 3.0, 1e300])
    if kind == 4:
        return some_bytes()
    if kind == 5:
        return moment()
    if kind == 6:
        return record() if rng.random() < 0.3 else text()
    if kind == 7:
        return tuple(hashable(left - 1) for _ in range(rng.randrange(5)))
    return frozenset(hashable(left - 1) for _ in range(rng.randrange(4)))


def container(left):
    size = rng.choice([0, 1, 2, 3, 4, 8])
    kind = rng.randrange(16)
    if kind < 3:
        return [value(left - 1) for _ in range(size)]
    if kind < 6:
        return tuple(value(left - 1) for _ in range(size))
    if kind < 9:
        return {(text() if rng.random() < 0.7 else hashable(2)): value(left - 1) for _ in range(size)}
    if kind == 9:
        return {hashable(2) for _ in range(size)}
    if kind == 10:
        return frozenset(hashable(2) for _ in range(size))
    if kind == 11:
        return Point(value(left - 1), value(left - 1))
    if kind == 12:
        made = rng.choice([Rows, collections.deque])(value(left - 1) for _ in range(size))
        return made
    if kind == 13:
        made = rng.choice([collections.OrderedDict, Table, lambda: collections.defaultdict(list), collections.Counter])()
        for _ in range(size):
            made[hashable(1)] = 1 if isinstance(made, collections.Counter) else value(left - 1)
        return made
    if kind == 14:
        return rng.choice([lambda: Named(value(left - 1), 2), lambda: Keyed(key=value(left - 1))])()
    made = Slotted()
    made.a = value(left - 1)
    return made


def cycle(left):
    kind = rng.randrange(6)
    if kind == 0:
        made = [value(left - 1)]
        made.append(made)
    elif kind == 1:
        made = {'self': None}
        made['self'] = [made, value(left - 1)]
    elif kind == 2:
        made = ([], rng.choice(['', (1,)]))
        made[0].append(made)
    elif kind == 3:
        made = Point(1, None)
        made.y = (made, [made])
    elif kind == 4:
        point = Point(1, None)
        made = point.x = frozenset([point, 'a'])
    else:
        made = ([], [], 2, 3)
        made[0].append(made)
        made[1].append(made)
    return made


pool = []


def value(left):
    draw = rng.random()
    if pool and draw < 0.05:
        return rng.choice(pool)
    if left > 0 and draw < 0.4:
        made = container(left) if draw < 0.37 else cycle(left) if draw < 0.38 else error(left)
        pool.append(made)
        return made
    return rng.choice([lambda: None, lambda: True, lambda: False, integer, integer, real, text, text, text, some_bytes,
                       lambda: bytearray(some_bytes()), moment, record, some_array])()


def is_nan(a):
    return isinstance(a, float) and a != a


class Compare:
    """Equal values of the same types, of which the same parts are the same objects."""

    def __init__(self, exact):
        self.exact = exact
        self.pairs, self.back = {}, {}

    def number(self, a, b):
        if type(a) is type(b):
            return a == b and str(a) == str(b) or is_nan(a) and is_nan(b)
        # a whole float has become an int: JavaScript has one type of number
        return not self.exact and isinstance(a, float) and type(b) is int and a == b and abs(a) < 2**53

    def key(self, a):
        """A text that orders the items of a set in both alike."""
        if isinstance(a, (frozenset, set)):
            return 'set' + str(sorted(map(self.key, a)))
        if isinstance(a, tuple):
            return 'tuple' + str([self.key(item) for item in a])
        if isinstance(a, float) and not self.exact and abs(a) < 2**53 and a == int(a):
            return repr(int(a))
        return type(a).__name__ if isinstance(a, Point) else repr(a)

    def same(self, a, b):
        if isinstance(a, (int, float)) and not isinstance(a, bool):
            return self.number(a, b)
        if type(a) is not type(b):
            return False
        if a is None or isinstance(a, (bool, str, bytes, date, time, timedelta, timezone, type, uuid.UUID, range, slice)):
            return a == b and repr(a) == repr(b) and getattr(a, 'fold', 0) == getattr(b, 'fold', 0)
        if isinstance(a, complex):
            return a == b
        if isinstance(a, (Decimal, fractions.Fraction)):
            return repr(a) == repr(b)
        if isinstance(a, tuple) and not a or a is len or a is Ellipsis or a is NotImplemented:
            return a is b or a == ()
        if id(a) in self.pairs:
            return self.pairs[id(a)] == id(b)
        if id(b) in self.back:
            return False
        self.pairs[id(a)], self.back[id(b)] = id(b), id(a)
        return self.parts(a, b)

    def parts(self, a, b):
        if isinstance(a, bytearray):
            return a == b
        if isinstance(a, array.array):
            # 'l' is 'q' here
            return a.typecode.replace('l', 'q').replace('L', 'Q') == b.typecode.replace('l', 'q').replace('L', 'Q') and a == b
        if isinstance(a, BaseException):
            return self.same(a.args, b.args) and self.same(a.__dict__, b.__dict__)
        if isinstance(a, (set, frozenset)):
            a, b = sorted(a, key=self.key), sorted(b, key=self.key)
        if isinstance(a, (list, tuple, collections.deque)):
            return len(a) == len(b) and all(map(self.same, a, b)) and getattr(a, 'maxlen', 0) == getattr(b, 'maxlen', 0)
        if isinstance(a, dict):
            default = getattr(a, 'default_factory', None) is getattr(b, 'default_factory', None)
            return (default and len(a) == len(b) and all(map(self.same, a.keys(), b.keys()))
                    and all(map(self.same, a.values(), b.values())))
        if isinstance(a, Slotted):
            return self.same(a.a, b.a)
        return self.same(a.__dict__, b.__dict__)


def write(data):
    sys.stdout.write(base64.b64encode(data).decode() + '\n')


def lines():
    for line in sys.stdin:
        line = line.rstrip('\n')
        if line == '.':
            return
        yield line


def made():
    while True:
        del pool[:]
        try:
            it = value(4)
            protocol = rng.randrange(6)
            data = bytes(ForkingPickler.dumps(it)) if rng.random() < 0.1 else pickle.dumps(it, protocol)
            return data, pickle.loads(data)
        except (TypeError, pickle.PicklingError, RecursionError):
            pass  # slots need protocol 2, some ranges cannot be hashed, some exceptions cannot be read even by us


sys.setrecursionlimit(20000)
originals = []
for _ in range(count):
    data, original = made()
    originals.append(original)
    write(data)
print('.', flush=True)
wrong = []
for i, line in enumerate(lines()):
    try:
        result = pickle.loads(base64.b64decode(line))
        if not Compare(exact=i % 2 == 1).same(originals[i], result):
            wrong.append('%d: %.400r came back as %.400r' % (i, originals[i], result))
    except Exception as error:
        wrong.append('%d: %.400r came back as what cannot be read: %r' % (i, originals[i], error))
        if i >= len(originals):
            break
if i + 1 != count:
    wrong.append('%d of %d came back' % (i + 1, count))

for line in lines():
    it = pickle.loads(base64.b64decode(line))
    protocol = rng.randrange(6)
    write(pickle.dumps(it, protocol))
print('.', flush=True)

for line in lines():
    expression, data = line.split(' ')
    expression = base64.b64decode(expression).decode('utf8', 'surrogatepass')
    expected, result = eval(expression), pickle.loads(base64.b64decode(data))
    if not Compare(exact=True).same(expected, result):
        wrong.append('%s arrived as %r' % (expression, result))
for it in wrong[:20]:
    print(it.encode('ascii', 'backslashreplace').decode())
print(len(wrong), 'wrong')
