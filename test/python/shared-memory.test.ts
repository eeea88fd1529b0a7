// SharedMemory and ShareableList with real CPythons on the other side: the same names, the same bytes.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { InvalidStateError, ShareableList, SharedMemory } from 'multiproc'
import { type Child, run, runNode, start } from '../support/children.ts'
import { freshName } from '../support/names.ts'
import { type Python, pythons } from '../support/pythons.ts'

if (pythons.length === 0) test('CPython', { skip: 'there is no CPython from 3.8 on' }, () => {})

/** `attach` and `forget` leave the block to us: up to 3.12 Python's tracker would remove what it has only looked at. */
const PRELUDE = `
import sys
from multiprocessing import shared_memory, resource_tracker
from multiprocessing.shared_memory import SharedMemory, ShareableList
def forget(shm):
    resource_tracker.unregister(shm._name, 'shared_memory')
    return shm
def attach(name):
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    return forget(SharedMemory(name))
def attach_list(name):
    sl = ShareableList(name=name)
    forget(sl.shm)
    return sl
def say(*what):
    print(*what, flush=True)
name = sys.argv[1] if len(sys.argv) > 1 else None
`

const program = ({ executable }: Python, source: string, ...args: string[]) => [
  executable,
  '-c',
  PRELUDE + source,
  ...args,
]

async function ask(python: Python, source: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program(python, source, ...args))
  assert.equal(code, 0, stderr)
  assert.equal(stderr, '')
  return stdout.trimEnd()
}

/** Runs until it has said something; `go()` gives it a line and awaits its end. */
async function converse(t: TestContext, python: Python, source: string) {
  const child: Child = start(program(python, source))
  t.after(() => child.end())
  await child.printed('\n')
  const [said] = child.stdout.split('\n')
  const go = async () => {
    child.process.stdin!.end('\n')
    const { code, stdout, stderr } = await child.ended
    assert.equal(code, 0, stderr)
    assert.equal(stderr, '')
    return stdout.trimEnd().split('\n').slice(1).join('\n')
  }
  return { said, go }
}

/** A block that does not outlive the test. */
function kept<T extends { shm: SharedMemory } | SharedMemory>(t: TestContext, made: T): T {
  const shm = made instanceof SharedMemory ? made : made.shm
  t.after(() => {
    shm.close()
    if (existsSync(`/dev/shm/${shm.name}`)) shm.unlink()
  })
  return made
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** The same items here and in Python, of which both make the same bytes. */
const items = [
  'howdy',
  Uint8Array.of(1, 2, 3),
  -273.154,
  100,
  null,
  true,
  false,
  2n ** 62n,
  -1,
  0,
  '',
  '12345678',
  'x'.repeat(100),
]
const inPython = `['howdy', b'\\x01\\x02\\x03', -273.154, 100, None, True, False, 2**62, -1, 0, '', '12345678', 'x' * 100]`

for (const python of pythons) {
  const on = `CPython ${python.name}`

  test(`SharedMemory made here, attached by ${on}: the bytes are equal both ways`, async t => {
    const shm = kept(t, new SharedMemory({ create: true, size: 1000 }))
    for (let i = 0; i < shm.size; i++) shm.buf[i] = i * 7
    const seen = await ask(
      python,
      `
shm = attach(name)
say(shm.size, shm.name, bytes(shm.buf).hex())
shm.buf[:5] = b'howdy'
shm.close()`,
      shm.name,
    )
    const before = shm.buf.slice()
    for (let i = 0; i < 5; i++) before[i] = i * 7
    assert.equal(seen, `1000 ${shm.name} ${hex(before)}`)
    assert.equal(Buffer.from(shm.buf.subarray(0, 5)).toString(), 'howdy')
    assert.ok(existsSync(`/dev/shm/${shm.name}`))
  })

  test(`SharedMemory made by ${on}, attached here: the bytes are equal both ways, and who unlinks it does not matter`, async t => {
    const { said, go } = await converse(
      t,
      python,
      `
shm = forget(SharedMemory(create=True, size=777))
shm.buf[:3] = b'abc'
say(shm.name)
input()
say(bytes(shm.buf[:6]).hex())
try:
    SharedMemory(shm.name)
except FileNotFoundError:
    say('not found')
shm.close()`,
    )
    const shm = kept(t, new SharedMemory({ name: said }))
    assert.equal(shm.size, 777)
    assert.equal(Buffer.from(shm.buf.subarray(0, 3)).toString(), 'abc')
    shm.buf.set(Buffer.from('def'), 3)
    shm.unlink()
    assert.equal(await go(), `${hex(Buffer.from('abcdef'))}\nnot found`)
  })

  test(`SharedMemory with a slash in its name is the same block in ${on}`, async t => {
    const name = `/${freshName('slash')}`
    const shm = kept(t, new SharedMemory({ name, create: true, size: 3 }))
    assert.equal(await ask(python, `shm = attach(name); say(shm.name); shm.buf[0] = 5; shm.close()`, name), shm.name)
    assert.equal(shm.buf[0], 5)
    assert.equal(await ask(python, `shm = attach(name[1:]); say(shm.buf[0]); shm.close()`, name), '5')
    shm.unlink()
  })

  test(`ShareableList made here is read by ${on}, and what it sets is read here`, async t => {
    if (python.version < 309) return t.skip('before 3.9 the bytes were other ones')
    const list = kept(t, new ShareableList<any>(items))
    const seen = await ask(
      python,
      `
sl = attach_list(name)
say(list(sl) == ${inPython}, len(sl), sl.format)
sl[0], sl[1], sl[2], sl[3], sl[4] = b'bytes', None, 2**40, 'text', 1.5
sl.shm.close()`,
      list.shm.name,
    )
    assert.equal(seen, `True ${items.length} 8s8sdqxxxxxx?xxxxxxxx?xxxxxxx?qqq8s16s104s`)
    assert.deepEqual([...list].slice(0, 5), [Uint8Array.from(Buffer.from('bytes')), null, 2 ** 40, 'text', 1.5])
    assert.deepEqual([...list].slice(5), items.slice(5))
  })

  test(`ShareableList made by ${on} is read here, and what is set here is read there`, async t => {
    const { said, go } = await converse(
      t,
      python,
      `
sl = ShareableList(${inPython})
forget(sl.shm)
say(sl.shm.name, bytes(sl.shm.buf).hex())
input()
say(list(sl))
say(sl.format)
sl.shm.close()`,
    )
    const [name, bytes] = said.split(' ')
    const list = kept(t, new ShareableList<any>(null, { name }))
    assert.deepEqual([...list], items)
    if (python.version >= 309) {
      const mine = kept(t, new ShareableList<any>(items))
      assert.equal(hex(mine.shm.buf), bytes, 'the same bytes')
      assert.equal(mine.format, list.format)
    }
    for (const [i, value] of [false, 'é✓', null, 2n ** 63n - 1n, -0.5, 7, Uint8Array.of(9, 0, 8)].entries())
      list.set(i, value)
    assert.equal(
      await go(),
      "[False, 'é✓', None, 9223372036854775807, -0.5, 7, b'\\t\\x00\\x08', 4611686018427387904, -1, 0, '', '12345678', " +
        `'${'x'.repeat(100)}']\nxxxxxxx?8sxxxxxx?xqdq8sqqq8s16s104s`,
    )
    list.shm.unlink()
  })

  test(`ShareableList keeps texts of several bytes and trailing NULs; ${on} reads and replaces both`, async t => {
    if (python.version < 309) return t.skip('before 3.9 the bytes were other ones')
    const texts = ['größe', 'ðððð', '𝄞'.repeat(30), 'nul\0\0', Uint8Array.of(1, 0), '\0']
    const list = kept(t, new ShareableList<any>(texts))
    assert.deepEqual([...list], texts)
    const seen = await ask(
      python,
      `
sl = attach_list(name)
say(list(sl) == ['größe', 'ðððð', '𝄞' * 30, 'nul', b'\\x01', ''])
sl[3] = '1234567'
sl[4] = b'12345678'
sl.shm.close()`,
      list.shm.name,
    )
    assert.equal(seen, 'True')
    assert.equal(list.get(3), '1234567')
    assert.deepEqual(list.get(4), Uint8Array.from(Buffer.from('12345678')))
    assert.equal(list.get(5), '\0')
  })

  test(`ShareableList whose text ${on} has cut in the middle of a character says so`, async t => {
    const { said, go } = await converse(
      t,
      python,
      `
sl = ShareableList(['0123456é✓✓✓', 5])
forget(sl.shm)
say(sl.shm.name)
input()
sl.shm.close()`,
    )
    const list = kept(t, new ShareableList<any>(null, { name: said }))
    assert.throws(() => list.get(0), InvalidStateError)
    assert.equal(list.get(1), 5)
    await go()
    list.shm.unlink()
  })
}

test('TestSharedMemory.test_shared_memory_untracking — a program that attaches and ends does not remove the block, silently', async t => {
  const shm = kept(t, new SharedMemory({ create: true, size: 10 }))
  for (let n = 0; n < 2; n++) {
    const { code, stdout, stderr } = await runNode(
      `import { SharedMemory } from 'multiproc'
       console.log(new SharedMemory({ name: '${shm.name}' }).buf[0])`,
    )
    assert.deepEqual([code, stdout, stderr], [0, '0\n', ''])
  }
  assert.ok(existsSync(`/dev/shm/${shm.name}`))
})

test('TestSharedMemory.test_shared_memory_tracking — not so here: `track: true` of one who attaches removes nothing', async t => {
  const shm = kept(t, new SharedMemory({ create: true, size: 10 }))
  const { code, stderr } = await runNode(
    `import { SharedMemory } from 'multiproc'
     new SharedMemory({ name: '${shm.name}', track: true })`,
  )
  assert.deepEqual([code, stderr], [0, ''])
  assert.ok(existsSync(`/dev/shm/${shm.name}`))
})
