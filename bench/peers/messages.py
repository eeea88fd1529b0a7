"""What is sent, as in bench/messages.ts, and how a figure is taken, as in bench/measure.ts."""
import json
import time

now = time.monotonic_ns
TEXT = 'the quick brown fox jumps ove'
TAGS = ['red', 'large', 'new']
VARIANTS = 16


def emit(metric, value, count):
    print(json.dumps({'metric': metric, 'value': value, 'count': count}), flush=True)


def wrong(item, i):
    seen = '%d bytes' % len(item) if isinstance(item, bytes) else repr(item)
    raise ValueError('Expected item %d as it was sent, got %s' % (i, seen))


class Constant:
    first, most = 1000, 2000000

    def __init__(self, value):
        self.value = value

    def make(self, i):
        return self.value

    def check(self, item, i):
        return 1 if item == self.value else wrong(item, i)

    def sum(self, n):
        return n


class Object:
    first, most = 1000, 2000000

    def make(self, i):
        return {'id': i, 'name': 'widget-blue', 'tags': TAGS, 'price': 19.5}

    def check(self, item, i):
        if item['id'] == i and item['name'] == 'widget-blue' and len(item['tags']) == 3 and item['tags'][2] == 'new' and item['price'] == 19.5:
            return i
        wrong(item, i)

    def sum(self, n):
        return n * (n - 1) // 2


class Bytes:
    def __init__(self, size, first):
        self.size, self.first, self.most, self.templates = size, first, (256 << 20) // size, None

    def make(self, i):
        if self.templates is None:
            one = bytes((j * 31 + (j >> 12)) & 255 for j in range(self.size))
            shift = [bytes((x + k) & 255 for x in range(256)) for k in range(VARIANTS)]
            self.templates = [one.translate(shift[k]) for k in range(VARIANTS)]
        return self.templates[i % VARIANTS]

    def check(self, item, i):
        return sum(item[::4096]) + item[-1] if len(item) == self.size and item[0] == i % VARIANTS else wrong(item, i)

    def sum(self, n):
        each = [sum(self.make(k)[::4096]) + self.make(k)[-1] for k in range(VARIANTS)]
        return sum(each[k] * (n // VARIANTS + (1 if k < n % VARIANTS else 0)) for k in range(VARIANTS))


KINDS = {
    'int': Constant(42),
    'string of 29': Constant(TEXT),
    'object': Object(),
    '1 KiB': Bytes(1024, 500),
    '64 KiB': Bytes(65536, 64),
    '1 MiB': Bytes(1 << 20, 8),
}


def rate(burst, seconds, first, most=1 << 60):
    n, spent = min(first, most), 0.0
    burst(n)
    while True:
        took = burst(n)
        spent += took
        if took >= seconds / 2 or n >= most or spent > seconds * 4:
            return n / took, n
        n = int(min(most, n * min(16, max(2, seconds / took)) + 1))


def round_trips(seconds, once):
    for i in range(300):
        once(i)
    took, last = [], now()
    end = last + int(seconds * 1e9)
    while len(took) < 200000 and last < end:
        once(len(took))
        at = now()
        took.append(at - last)
        last = at
    took.sort()
    emit('median', took[len(took) // 2] / 1e3, len(took))
    emit('99th percentile', took[int(len(took) * 0.99)] / 1e3, len(took))
