"""CPython's side of test/python/wire.test.ts: does what it is told through descriptor 3, one thing after another."""
import hashlib
import json
import os
import subprocess
import sys
import threading
from multiprocessing import AuthenticationError, Pipe
from multiprocessing.connection import Client, Connection, Listener

control = Connection(3)


def address_of(told):
    return tuple(told) if isinstance(told, list) else told


def key_of(told):
    return None if told is None else told.encode()


def echo(conn):
    """Sends back what comes, until an empty message comes."""
    count = 0
    while True:
        message = conn.recv_bytes()
        conn.send_bytes(message)
        if not message:
            return count
        count += 1


def client(address, key=None):
    with Client(address_of(address), authkey=key_of(key)) as conn:
        return echo(conn)


listeners = {}


def listen(address=None, key=None, backlog=1):
    listener = Listener(address_of(address), backlog=backlog, authkey=key_of(key))
    told = listener.address
    if isinstance(told, bytes):
        told = told.decode()
    listeners[json.dumps(told)] = listener
    return told


def accept(address, times=1):
    """Accepts, echoes, and tells how each ended."""
    listener = listeners[json.dumps(address)]
    found = []
    for _ in range(times):
        try:
            with listener.accept() as conn:
                found.append(echo(conn))
        except Exception as error:
            found.append(type(error).__name__)
    return found


def unlisten(address):
    listeners.pop(json.dumps(address)).close()


def values(address, key=None):
    """Pickles: sends a value of each sort, and back what comes."""
    with Client(address_of(address), authkey=key_of(key)) as conn:
        conn.send([None, True, 1, -5, 2 ** 70, 1.5, 'text', b'bytes', (1, 2), {'a': [1]}])
        count = 0
        while True:
            value = conn.recv()
            if value is None:
                return count
            conn.send(value)
            count += 1


def leave(address, what):
    """Writes a message and is gone before it is accepted."""
    conn = Client(address_of(address))
    conn.send_bytes(what.encode())
    conn.close()


def node_child(argv):
    ours, theirs = Pipe()
    child = subprocess.Popen(argv + [str(theirs.fileno())], pass_fds=[theirs.fileno()])
    theirs.close()
    found = []
    for message in (b'abc', bytes(range(256)) * 4096):
        ours.send_bytes(message)
        found.append(ours.recv_bytes() == message[::-1])
    ours.send_bytes(b'')
    try:
        ours.recv_bytes()
    except EOFError:
        found.append('EOFError')
    found.append(child.wait(20))
    return found


def pipes(read_fd, write_fd):
    """One-way pipes: what comes on the one goes back on the other."""
    incoming = Connection(read_fd, writable=False)
    outgoing = Connection(write_fd, readable=False)
    count = 0
    while True:
        try:
            message = incoming.recv_bytes()
        except EOFError:
            break
        outgoing.send_bytes(message)
        count += 1
    incoming.close()
    outgoing.close()
    return count


while True:
    try:
        name, args = json.loads(control.recv_bytes())
    except EOFError:
        break
    try:
        answer = {'value': globals()[name](*args)}
    except Exception as error:
        answer = {'error': type(error).__name__}
    control.send_bytes(json.dumps(answer).encode())
