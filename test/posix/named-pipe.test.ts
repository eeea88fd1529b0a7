// Named pipes with the shell and Python on the other side.
import assert from 'node:assert/strict'
import { statSync, unlinkSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { ArgumentTypeError, BrokenPipeError, FileExistsError, FileNotFoundError, TimeoutError } from 'multiproc'
import { NamedPipe } from 'multiproc/posix'
import { python, run, runNode, start } from '../support/children.ts'
import { freshPath, LIMIT, openPipes, readAll, text } from './ends.ts'

function created(context: TestContext): NamedPipe {
  const fifo = NamedPipe.create(freshPath())
  context.after(() => fifo[Symbol.dispose]())
  return fifo
}

test(
  'a shell writes to a NamedPipe by its path, and its end is the end; the next one is read as well',
  LIMIT,
  async context => {
    const fifo = created(context)
    assert.equal(statSync(fifo.path).mode & 0o777, 0o600)
    const shell = run(['sh', '-c', `echo one > '${fifo.path}'; echo two > '${fifo.path}'`])
    const reader = await fifo.openReader(LIMIT)
    let all = ''
    while (!all.endsWith('two\n')) all += await readAll(reader) // it ends after `one`, unless the shell is quicker
    assert.equal(all, 'one\ntwo\n')
    assert.equal(await reader.read(), null)
    reader.close()
    assert.equal((await shell).code, 0)
  },
)

test('cat reads what is written to a NamedPipe, until the writer is closed', LIMIT, async context => {
  const fifo = created(context)
  const cat = run(['cat', fifo.path])
  const writer = await fifo.openWriter(LIMIT)
  await writer.write('to be read ')
  writer.writeSync('by cat')
  writer.close()
  assert.equal((await cat).stdout, 'to be read by cat')
})

test('os.mkfifo() of Python makes what NamedPipe.open() finds; the blocking forms meet it', {
  ...LIMIT,
  skip: !python,
}, async context => {
  const path = freshPath()
  context.after(() => unlinkSync(path))
  const program = `
import os, sys
os.mkfifo(sys.argv[1], 0o600)
print('made', flush=True)
with open(sys.argv[1], 'w') as f: f.write('from Python')
with open(sys.argv[1]) as f: print('heard', f.read(), flush=True)
`
  const child = start([python!, '-c', program, path])
  await child.printed('made')
  const fifo = NamedPipe.open(path)
  const reader = fifo.openReaderSync(LIMIT)
  assert.equal(text(reader.readSync(100, LIMIT)), 'from Python')
  assert.equal(reader.readSync(1, LIMIT), null)
  reader.close()
  const writer = fifo.openWriterSync(LIMIT)
  writer.writeSync('from Node')
  writer.close()
  const { code, stdout, stderr } = await child.ended
  assert.equal(code, 0, stderr)
  assert.match(stdout, /heard from Node/)
})

test(
  'NamedPipe.openReader() waits for a writer, also a silent one, and openWriter() for a reader',
  LIMIT,
  async context => {
    const fifo = created(context)

    const aborted = new AbortController()
    const waits = [fifo.openReader({ signal: aborted.signal }).catch(error => error.message)]
    aborted.abort(new Error('no more'))
    assert.deepEqual(await Promise.all(waits), ['no more'])
    await assert.rejects(fifo.openReader({ timeout: 0 }), TimeoutError)
    await assert.rejects(fifo.openWriter({ timeout: 0 }), TimeoutError)
    assert.throws(() => fifo.openReaderSync({ timeout: 5 }), TimeoutError)
    assert.throws(() => fifo.openWriterSync({ timeout: 5 }), TimeoutError)
    assert.deepEqual(openPipes(fifo.path), [])
    const [reader, writer] = await Promise.all([fifo.openReader(), fifo.openWriter()])
    await assert.rejects(reader.read(1, { timeout: 5 }), TimeoutError) // a writer is there: it is not the end
    writer.close()
    assert.equal(await reader.read(), null)
    const back = await fifo.openWriter(LIMIT)
    await back.write('again')
    assert.equal(text(await reader.read()), 'again')
    reader.close()
    await assert.rejects(back.write('to nobody'), BrokenPipeError)
    back.close()
    assert.deepEqual(openPipes(fifo.path), [])
  },
)

test('NamedPipe: what is missing, taken or something else is told with its errno', LIMIT, async context => {
  const fifo = created(context)
  const tells = (type: new () => Error, what: RegExp) => (error: unknown) =>
    error instanceof type && what.test((error as Error).message)
  assert.throws(() => NamedPipe.open(`${fifo.path}-not`), tells(FileNotFoundError, /ENOENT.*NamedPipe\.create/))
  assert.throws(() => NamedPipe.create(`${fifo.path}-not/there`), tells(FileNotFoundError, /ENOENT/))
  assert.throws(() => NamedPipe.create(fifo.path), tells(FileExistsError, /EEXIST.*existOk/))
  assert.equal(NamedPipe.create(fifo.path, { existOk: true }).path, fifo.path)
  const file = freshPath()
  writeFileSync(file, '')
  context.after(() => unlinkSync(file))
  assert.throws(() => NamedPipe.open(file), ArgumentTypeError)
  assert.throws(() => NamedPipe.create(file, { existOk: true }), FileExistsError)
  assert.throws(() => NamedPipe.create(fifo.path, { mode: 0o1000 }), RangeError)
  // one that is waited for, and then taken away
  const gone = NamedPipe.create(freshPath())
  const waiting = gone.openWriter(LIMIT)
  gone.unlink()
  await assert.rejects(waiting, FileNotFoundError)
  assert.throws(() => gone.unlink(), FileNotFoundError)
})

test(
  'a path that is no named pipe any more is told when it is opened, and nothing stays open',
  LIMIT,
  async context => {
    const fifo = NamedPipe.create(freshPath())
    context.after(() => unlinkSync(fifo.path))
    fifo.unlink()
    writeFileSync(fifo.path, 'a file')
    const told = (error: unknown) => error instanceof ArgumentTypeError && error.message.includes(fifo.path)
    await assert.rejects(fifo.openWriter(LIMIT), told)
    assert.throws(() => fifo.openWriterSync(LIMIT), told)
    await assert.rejects(fifo.openReader(LIMIT), told)
    assert.deepEqual(openPipes(fifo.path), [])
  },
)

test(
  'what another user made is refused with EACCES, and an end that was opened before is used all the same',
  LIMIT,
  async () => {
    const path = freshPath()
    const { code, stdout, stderr } = await runNode(
      `import { MessageQueue, NamedPipe, NamedSemaphore, pipe, SystemCallError } from 'multiproc/posix'
     const key = 0x40000000 + process.pid
     const options = { create: true, mode: 0 }
     const [path, name] = [${JSON.stringify(path)}, 'denied-' + process.pid]
     const [reader, writer] = pipe()
     const fifo = NamedPipe.create(path, { mode: 0 })
     const queue = new MessageQueue(key, options)
     const semaphore = new NamedSemaphore(name, options)
     const [uid] = [process.getuid()]
     if (uid === 0) process.seteuid(65534)
     const told = []
     try {
     for (const act of [() => fifo.openReader(), () => new MessageQueue(key), async () => queue.send('x'), () => new NamedSemaphore(name)]) {
       try { await act(); told.push('nothing') }
       catch (error) { told.push([error instanceof SystemCallError, error.errno, /no right/.test(error.message)].join()) }
     }
     await writer.write('written')
     told.push(Buffer.from(await reader.read()).toString())
     } finally {
       if (uid === 0) process.seteuid(0)
       fifo.unlink(); queue.remove(); semaphore.unlink()
     }
     console.log(JSON.stringify(told))`,
    )
    assert.equal(code, 0, stderr)
    const denied = 'true,EACCES,true'
    assert.deepEqual(JSON.parse(stdout), [denied, denied, denied, denied, 'written'])
  },
)
