"""CPython's side of test/python/manager.test.ts: does what it is told through descriptor 3, one thing after another."""
import json
import os
import queue
import signal
import sys
import time
from multiprocessing import current_process, resource_tracker, shared_memory, util
from multiprocessing.connection import Client, Connection
from multiprocessing.managers import BaseManager, DictProxy, RemoteError, SharedMemoryManager, SyncManager, dispatch

KEY = b'the key'
current_process().authkey = KEY  # proxies that come in values use this one
control = Connection(3) if __name__ == '__main__' else None


class Plain(BaseManager):
    pass


class Manager(SyncManager):
    pass


class Both(Manager):
    """The server of this side."""


for name in 'jobs', 'told', 'shared', 'gate', 'Counter':
    Plain.register(name)
    Manager.register(name)

hosted_queue = queue.Queue()
hosted_dict = {}


class Greeter:
    def hello(self, who, times=1):
        return 'hello ' * times + who

    def fail(self):
        raise KeyError('no such thing')

    def _hidden(self):
        return 'seen'


Both.register('get_queue', callable=lambda: hosted_queue)
Both.register('get_dict', callable=lambda: hosted_dict, proxytype=DictProxy)
Both.register('Greeter', Greeter)


def connected(address, cls=Manager, key=KEY):
    manager = cls(address=tuple(address) if isinstance(address, list) else address, authkey=key)
    manager.connect()
    return manager


def raised(call, *args, **kwds):
    try:
        return call(*args, **kwds)
    except Exception as error:
        return '%s: %s' % (type(error).__name__, error)


# ── a client of Node's manager ──

def base_manager(address):
    """What a stock BaseManager sees: proxies made of the methods that the server lists."""
    m = connected(address, Plain)
    q = m.jobs()
    q.put({'n': [1, (2, b'3')], 'text': 'h\u00e9llo'})
    found = [q.qsize(), q.get() == {'n': [1, (2, b'3')], 'text': 'h\u00e9llo'}]
    q.task_done()
    q.join()
    found += [raised(q.get_nowait), raised(q.get, True, 0.01), raised(q.get, timeout=0.01), q.empty()]
    counter = m.Counter(5)
    found += [counter.add(2), counter.add(n=3), counter.value(), hasattr(counter, '_hidden')]
    found += [raised(counter._callmethod, '_hidden').split(':')[0], raised(counter.fail)]
    found += [str(m.Counter()), raised(q.put, lambda: 1).split(':')[0]]
    return found


def failure(address):
    """The text of an error that only JavaScript knows: the stack of the server is in it."""
    counter = connected(address, Plain).Counter()
    try:
        counter.failOddly()
    except RemoteError as error:
        return str(error)


def containers(address):
    m = connected(address)
    d = m.dict({'a': 1})
    d['b'] = [1, (2, 3)]
    d.update(c=None)
    found = {'dict': [str(d), len(d), d.copy() == {'a': 1, 'b': [1, (2, 3)], 'c': None}, sorted(d.keys()), 'a' in d]}
    found['iterated'] = sorted(iter(d))
    found['missing'] = [raised(lambda: d['zz']), d.get('zz', 7), d.pop('c'), d.setdefault('e', 5)]
    items = m.list([3, 1, 2])
    items.append(5)
    items.sort()
    items += [7]
    items[1:2] = [9, 9]
    found['list'] = [items[:], len(items), [x for x in items], items.pop(0), items.index(9), raised(lambda: items[99])]
    n = m.Namespace(x=1)
    n.y = 2
    found['namespace'] = [n.x, n.y, raised(lambda: n.z).split(':')[0], str(n)]
    v = m.Value('i', 5)
    v.value += 1
    a = m.Array('i', [1, 2, 3])
    a[0] = 9
    found['typed'] = [v.value, a[:].tolist() if hasattr(a[:], 'tolist') else list(a[:]), len(a)]
    return found


def nested(address):
    """Proxies in values are live, both ways."""
    m = connected(address)
    d, items = m.dict(), m.list([1])
    d['items'] = items
    again = d['items']
    again.append(2)
    shared = m.shared()
    shared['from python'] = items
    theirs = shared['from node']
    theirs.append('python was here')
    return [type(again).__name__, items[:], len(theirs)]


def locks(address):
    m = connected(address)
    found = []
    lock = m.Lock()
    with lock:
        found.append(lock.acquire(False))
    found.append(raised(lock.release))
    rlock = m.RLock()
    found += [rlock.acquire(), rlock.acquire(), rlock.release(), rlock.release(), raised(rlock.release)]
    semaphore = m.BoundedSemaphore(1)
    found += [semaphore.acquire(), semaphore.acquire(False), semaphore.release(), raised(semaphore.release)]
    condition = m.Condition()
    with condition:
        found.append(condition.wait(0.01))
        condition.notify_all()
    event = m.Event()
    event.set()
    found += [event.wait(1), event.is_set()]
    barrier = m.Barrier(1)
    found += [barrier.wait(), barrier.parties]
    return found


def everything(address):
    """The functions of the server itself. Others drop what they have meanwhile: so these objects are looked for, not counted."""
    m = connected(address)
    kept = [m.dict() for _ in range(3)]
    idents = [one._token.id for one in kept]
    during = [is_there(address, ident) for ident in idents]
    enough = m._number_of_objects() >= len(kept)
    del kept
    return [during, [is_there(address, ident) for ident in idents], enough]


def is_there(address, ident):
    return '  %s:       refcount' % ident in connected(address)._debug_info()


def leave_unread(address):
    """Ends its connection when the answer of get() is there, but not read."""
    address = tuple(address) if isinstance(address, list) else address
    with Client(address, authkey=KEY) as conn:
        ident, _ = dispatch(conn, None, 'create', ('jobs',))
    with Client(address, authkey=KEY) as conn:
        dispatch(conn, None, 'accept_connection', ('me',))
        conn.send((ident, 'get', (), {}))
        return conn.poll(20)


def wrong_key(address):
    return raised(connected, address, key=b'another').split(':')[0]


# ── children that are killed ──

def child(what, *args):
    """A process that does it, on connections of its own; gives its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        control.close()
        util._finalizer_registry.clear()  # as a Process begins: connections of the parent are not its own
        util._run_after_forkers()
        what(*args)
        code = 0
    finally:
        os._exit(code)


def forever():
    while True:
        time.sleep(1000)


def hold(address):
    m = connected(address)
    lock, jobs = m.gate(), m.jobs()
    lock.acquire()
    mine = m.list([0])  # and a reference that nobody gives back
    m.told().put([jobs.get(), mine._token.id])
    forever()


def wait_in_get(address):
    m = connected(address)
    jobs = m.jobs()
    m.told().put('waiting')
    jobs.get()
    forever()


def work(address):
    """Marks items done until it gets None."""
    m = connected(address)
    jobs, told = m.jobs(), m.told()
    while True:
        item = jobs.get()
        if item is not None:
            told.put(['python', item])
        jobs.task_done()
        if item is None:
            return


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def wait(pid):
    return os.waitpid(pid, 0)[1]


# ── a server for Node ──

def serve():
    """Gives the pid of the server, and its port."""
    server = Both(address=('127.0.0.1', 0), authkey=KEY).get_server()
    pid = child(server.serve_forever)
    server.listener.close()
    return [pid, server.address[1]]


def serve_segments():
    server = SharedMemoryManager(address=('127.0.0.1', 0), authkey=KEY).get_server()
    pid = child(server.serve_forever)
    server.listener.close()
    return [pid, server.address[1]]


def shut_down(port):
    with Client(('127.0.0.1', port), authkey=KEY) as conn:
        dispatch(conn, None, 'shutdown')


# ── shared memory ──

def fill(address, name, place, times):
    """Takes turns with Node: writes a byte when it is told to, and tells that it did."""
    m = connected(address)
    jobs, told = m.jobs(), m.told()
    block = shared_memory.SharedMemory(name, **({'track': False} if sys.version_info >= (3, 13) else {}))
    if sys.version_info < (3, 13):
        resource_tracker.unregister(block._name, 'shared_memory')
    for i in range(times):
        told.put(block.buf[2 * i])
        block.buf[2 * i + 1] = block.buf[2 * i] + place
        told.put('written')
        jobs.get()
        jobs.task_done()
    block.close()


def segments(address):
    """Makes two in Node's SharedMemoryManager, and passes both as values."""
    m = connected(address, SharedMemoryManager)
    block, items = m.SharedMemory(10), m.ShareableList([1, 'two', None])
    block.buf[0] = 5
    for shm in block, items.shm:
        resource_tracker.unregister(shm._name, 'shared_memory')
    return [block.name, items.shm.name]


def values(address, with_list):
    """SharedMemory and ShareableList in values, both ways."""
    m = connected(address)
    shared = m.shared()
    block = shared['block']
    found = [type(block).__name__, block.buf[0]]
    block.buf[1] = 77
    shared['back'] = block
    resource_tracker.unregister(block._name, 'shared_memory')
    block.close()
    if with_list:  # 3.8 lays them out in another way
        items = shared['list']
        found.append(list(items))
        shared['list back'] = items
        resource_tracker.unregister(items.shm._name, 'shared_memory')
        items.shm.close()
    return found


if __name__ == '__main__':
    while True:
        try:
            told, args = json.loads(control.recv_bytes())
        except EOFError:
            sys.exit(0)
        what = globals()[told]
        try:
            if told in ('hold', 'wait_in_get', 'work'):
                answer = {'value': child(what, *args)}
            else:
                answer = {'value': what(*args)}
        except Exception as error:
            import traceback
            answer = {'error': traceback.format_exc()}
        control.send_bytes(json.dumps(answer).encode())
