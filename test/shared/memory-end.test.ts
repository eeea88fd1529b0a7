// What becomes of named memory when programs end, and when there is no room for it.
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findExecutable, run, runNode, start } from '../support/children.ts'
import { freshName } from '../support/names.ts'

const isThere = (name: string) => existsSync(`/dev/shm/${name}`)

/** Makes the block `shm`, and then does something. */
const making = (name: string, then: string, options = '') => `
  import { SharedMemory } from 'multiproc'
  const shm = new SharedMemory({ name: '${name}', create: true, size: 64 ${options} })
  ${then}`

for (const [how, then, code] of [
  ['at its last line', '', 0],
  ['by process.exit()', 'process.exit(3)', 3],
  ['by an uncaught error', 'throw new Error("uncaught")', 1],
  ['after close()', 'shm.close()', 0],
] as const) {
  test(`SharedMemory without unlink(): a program that ends ${how} removes it, and says so once`, async () => {
    const name = freshName('end')
    const ended = await runNode(making(name, then))
    assert.equal(ended.code, code)
    assert.equal(isThere(name), false)
    assert.equal(ended.stderr.split(`"${name}" was not unlinked`).length, 2, ended.stderr)
  })
}

test('SharedMemory with unlink(), or with { track: false }: a program that ends says nothing', async () => {
  const [one, other] = [freshName('end'), freshName('end')]
  const unlinked = await runNode(making(one, 'shm.unlink()'))
  assert.deepEqual([unlinked.code, unlinked.stderr, isThere(one)], [0, '', false])
  const untracked = await runNode(making(other, '', ', track: false'))
  assert.deepEqual([untracked.code, untracked.stderr, isThere(other)], [0, '', true])
  const removed = await runNode(
    `import { SharedMemory } from 'multiproc'; new SharedMemory({ name: '${other}' }).unlink()`,
  )
  assert.deepEqual([removed.code, removed.stderr, isThere(other)], [0, '', false])
})

test('SharedMemory.unlink() in a listener of the program for its exit comes before our own', async () => {
  const name = freshName('end')
  const { code, stderr } = await runNode(making(name, "process.on('exit', () => shm.unlink())"))
  assert.deepEqual([code, stderr, isThere(name)], [0, '', false])
})

for (const [what, then] of [
  ['in a queue', 'queue.putNowait(shm)'],
  ['handed over, and dropped', 'queue.putNowait(shm); shm.close(); queue.getNowait()'],
]) {
  test(`SharedMemory ${what} when the last process of the session ends is removed`, async () => {
    const name = freshName('end')
    const { code, stderr } = await runNode(
      making(name, `const { Queue } = await import('multiproc'); const queue = new Queue(); ${then}`),
    )
    assert.equal(code, 0, stderr)
    assert.equal(isThere(name), false)
    assert.equal(stderr.split(`"${name}" was not unlinked`).length, 2, stderr)
  })
}

test('SharedMemory in a queue whose maker was killed is removed when the last process of the session ends', async () => {
  const program = fileURLToPath(new URL('../fixtures/program-bereaved.js', import.meta.url))
  const { code, stdout, stderr } = await run([process.execPath, program])
  assert.equal(code, 0, stderr)
  const [name, there] = stdout.trimEnd().split(' ')
  assert.equal(there, 'true')
  assert.equal(isThere(name), false)
  assert.equal(stderr.split(`"${name}" was not unlinked`).length, 2, stderr)
})

test('SharedMemory: two thousand made and unlinked leave no listener, descriptor or memory behind', async () => {
  const { code, stdout, stderr } = await runNode(
    `import { readdirSync } from 'node:fs'
     import { SharedMemory } from 'multiproc'
     const open = () => readdirSync('/proc/self/fd').length
     new SharedMemory({ create: true, size: 1 }).unlink()
     const before = open()
     for (let n = 0; n < 2000; n++) {
       const shm = new SharedMemory({ create: true, size: 100 })
       shm.unlink()
       shm.close()
     }
     console.log(open() - before, process.listenerCount('exit') < 4)`,
  )
  assert.deepEqual([code, stdout, stderr], [0, '0 true\n', ''])
})

test('SharedMemory of the last process of a session that is killed stays, and can be removed by name', async () => {
  const name = freshName('end')
  const child = start([
    process.execPath,
    '--input-type=module',
    '--eval',
    making(name, 'console.log("made"); setInterval(() => {}, 1 << 30)'),
  ])
  await child.printed('made')
  child.kill('SIGKILL')
  await child.ended
  assert.equal(isThere(name), true)
  const removed = await runNode(
    `import { SharedMemory } from 'multiproc'; new SharedMemory({ name: '${name}' }).unlink()`,
  )
  assert.deepEqual([removed.code, isThere(name)], [0, false])
})

test('SharedMemory killed while it is made leaves nothing in /dev/shm', async () => {
  for (const before of ['populate(this.#fd, 0, size)', 'linkat(AT_FDCWD']) {
    const name = freshName('end')
    const listed = readdirSync('/dev/shm').length
    const { signal, stderr } = await runNode(
      `import { libc } from '#src/os/libc.js'
       const table = libc()
       const die = () => { process.kill(process.pid, 'SIGKILL'); for (;;); }
       if (${before.startsWith('linkat')}) table.linkat = die
       else table.fallocate = die
       const { SharedMemory } = await import('multiproc')
       new SharedMemory({ name: '${name}', create: true, size: 1000 })`,
    )
    assert.equal(signal, 'SIGKILL', stderr)
    assert.equal(isThere(name), false)
    assert.ok(readdirSync('/dev/shm').length <= listed + 1)
  }
})

/** A program in a mount namespace of its own, where /dev/shm has 1 MiB. */
const unshare = findExecutable('unshare')
const inSmall = (source: string) =>
  run([
    unshare ?? '',
    '--mount',
    'sh',
    '-c',
    'mount -t tmpfs -o size=1m none /dev/shm && exec "$@"',
    'sh',
    process.execPath,
    '--input-type=module',
    '--eval',
    source,
  ])
const canMount = unshare !== null && (await inSmall('')).code === 0

test('SharedMemory for which /dev/shm has no room is OutOfSharedMemoryError when it is made, and never a signal', {
  skip: canMount ? false : 'no mount of our own can be made here (unshare --mount)',
}, async () => {
  const { code, stdout, stderr } = await inSmall(
    `import { readdirSync, writeFileSync } from 'node:fs'
     import { SharedMemory } from 'multiproc'
     const attempt = size => { try { return new SharedMemory({ create: true, size }) } catch (error) { console.log(error.name) } }
     attempt(2 ** 21)
     console.log(readdirSync('/dev/shm').length)
     const shm = attempt(900_000)
     shm.buf.fill(1)
     attempt(200_000)
     shm.unlink()
     shm.close()
     console.log(readdirSync('/dev/shm').length)`,
  )
  assert.equal(code, 0, stderr)
  assert.equal(stdout, 'OutOfSharedMemoryError\n0\nOutOfSharedMemoryError\n0\n')
})
