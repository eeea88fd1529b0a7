// Shows: a stock Python puts values, Node gets them, and back: `multiprocessing.connection` is all that Python needs.
// Try: a function, or a class of your own, in either direction. A Python that connects from another machine: ['0.0.0.0', 6000].
// Without it: JSON by hand: no tuple, no date, no integer beyond 2**53, and a protocol to say where a value ends.
import { spawn, spawnSync } from 'node:child_process'
import { type Connection, Listener, PyFloat, tuple } from 'multiproc'

/** Puts, then says of each thing that it gets what that is in Python, until it gets None. */
const PYTHON = `
import datetime, sys
from multiprocessing.connection import Client

with Client(sys.argv[1], authkey=b'known to both sides') as node:
    for thing in [True, 1.5, 2 ** 64, (1, 'two', None), {'fruit': 'pears', 'kilos': 3}, datetime.date(2026, 1, 2)]:
        node.send(thing)
    node.send('that is all')
    for thing in iter(node.recv, None):
        node.send(f'{type(thing).__name__}: {thing}')
`

async function talk(python: Connection): Promise<void> {
  for (let thing = await python.recv(); thing !== 'that is all'; thing = await python.recv()) {
    console.log('Python → Node:', thing)
  }
  const things = [true, 1, new PyFloat(1), 2n ** 64n, tuple(1, 'two'), { fruit: 'pears' }, new Date(0)]
  for (const thing of things) {
    await python.send(thing)
    console.log('Node → Python:', await python.recv())
  }
  await python.send(null) // None
}

if (spawnSync('python3', ['--version']).status === 0) {
  await using listener = await Listener.listen(undefined, { authkey: 'known to both sides' }) // a fresh path
  const python = spawn('python3', ['-c', PYTHON, listener.address as string], { stdio: 'inherit' })
  python.once('exit', code => console.log('Python ended with', code))
  const connection = await listener.accept({ timeout: 60_000 }) // a Python that fails never comes
  await talk(connection)
  connection.close()
} else {
  console.log('No python3 is found here: skipped what would be sent to it and by it')
}
