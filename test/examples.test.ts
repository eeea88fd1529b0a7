// Every example runs by its name and prints what it always prints, and nothing is left behind.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { checkout, run } from './support/children.ts'

/** What each prints. Those that show chance print what chance cannot change. */
const printed: Record<string, string> = {
  'queue-basics': `
    2 of 2, full: true, empty: false
    putNowait: full
    put for 50 ms: no room in time
    answer: ONE
    answer: TWO
    answer: THREE
    getNowait: empty`,
  'producer-consumer': `
    taken: 1000 of 1000
    sum: 499500, expected 499500
    left in the queue: 0`,
  'joinable-queue': `
    all done: true
    sum of squares: 338350
    consumers alive: true`,
  'send-json': `
    first: {"id":1,"items":["apples","pears"],"at":"1970-01-01T00:00:01.000Z"}
    ids: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21
    receiver ended with -15`,
  'pipe-eof': `
    the end: EOFError
    1000 numbers, sum 500500
    child ended with 0`,
  'pipe-duplex': `
    hello there: 2 words, backwards: ereht olleh
    was it a car: 4 words, backwards: rac a ti saw
    three words here: 3 words, backwards: ereh sdrow eerht
    child ended with 0`,
  'pipe-bytes': `
    recvBytes: "defg"
    recvBytesInto: 5 bytes at 2: "..abcde..."
    too short for 26 bytes, which are not lost: "abcdefghijklmnopqrstuvwxyz"
    still in step: ""`,
  'shared-value-array': `
    π: 3.141592653589793
    negated: 0 -1 -2 -3 -4 -5 -6 -7 -8 -9
    a size: 0 0 0 0
    a list: 0.5 1.5 2.5
    computed: 0 1 4 9 16
    a typed array: 2.5 5
    it is one: true — sum: 4.5`,
  'locked-counter': `
    without a lock, 2 increments: 1
    with a lock, 2000 increments: 2000`,
  'manager-dict-list': `
    child 1: 1
    child 2: 4
    child 3: 9
    parent: 0
    list: 1 2 3 10 20 — length 5
    reversed: 20 10 3 2 1`,
  'semaphore-slots': `
    never more than 2 at once: true
    slots that are free at the end: 2
    a third one now: would have to wait`,
  'condition-buffer': `
    taken: 1 2 3 4 5 6 7 8 9 10 11 12
    put 12, taken 12, through 4 places`,
  'barrier-phases': `
    phase 1: worker 0 wrote 10
    phase 1: worker 1 wrote 20
    phase 1: worker 2 wrote 30
    phase 2: one of them was told 0, and may tidy up
    phase 2: worker 0 sees the sum 60
    phase 2: worker 1 sees the sum 60
    phase 2: worker 2 sees the sum 60`,
  'anonymous-pipe': String.raw`
    from the child: "pears\napples\ncherries\n"
    sorted: "apples\ncherries\npears\n"`,
  'named-pipe': String.raw`
    read: "one line from the shell\n"
    then the end: null
    heard: SHOUTED BY THE SHELL`,
  'message-queue-types': `
    4 messages of 35 bytes, received by the lowest type, and the oldest of each:
      type 1: fire!
      type 2: first order
      type 2: second order
      type 3: tidy up
    the child says: served four`,
  sockets: `
    client 1 sent 1 2 3
    client 2 sent 2 4 6
    client 3 sent 3 6 9
    client 4 sent 4 8 12
    client 5 sent 5 10 15
    answers: 6 12 18 24 30`,
  signals: `
      child: got SIGUSR2
      child: got SIGTERM and ends in its own time
    exit code: 7
    exit code: -9 is minus the signal
    waiting for SIGKILL: ArgumentRangeError`,
  'shared-image': `
    build/examples/shared-image-before.png: mean 113.38
    build/examples/shared-image-after.png: mean 156.31`,
}

const example = (...name: string[]) => run([process.execPath, path.join(checkout, 'build/examples/main.js'), ...name])

/** Written here with an indentation of four. */
const expected = (text: string) => `${text.replace(/^\n/, '').replace(/^ {4}/gm, '')}\n`

/** Examples that somebody else's test runs have no output here. */
const names = readdirSync(path.join(checkout, 'examples'))
  .map(file => file.replace(/\.ts$/, ''))
  .filter(name => name !== 'main')

describe('examples print what is expected', { concurrency: 2 }, () => {
  for (const [name, text] of Object.entries(printed))
    test(name, async () => {
      const { code, stdout, stderr } = await example(name)
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: expected(text), stderr: '' })
    })
})

test('every example begins with what it shows, what to try, what would go wrong without it, and has 20 to 60 lines', () => {
  for (const name of names) {
    const lines = readFileSync(path.join(checkout, `examples/${name}.ts`), 'utf8')
      .trimEnd()
      .split('\n')
    assert.deepEqual(
      lines.slice(0, 3).map(line => /^\/\/ [^:]+:/.exec(line)?.[0]),
      ['// Shows:', '// Try:', '// Without it:'],
      name,
    )
    assert.ok(lines.length >= 20 && lines.length <= 60, `${name} has ${lines.length} lines`)
    assert.ok(Object.hasOwn(printed, name), `${name} is not run here`)
  }
})

test('without a name every example is listed, with what it shows; another name is refused', async () => {
  const { code, stdout } = await example()
  assert.equal(code, 0)
  assert.deepEqual(
    [...stdout.matchAll(/^ {2}(\S+) +\S/gm)].map(([, name]) => name).sort(),
    names.filter(name => existsSync(path.join(checkout, `build/examples/${name}.js`))).sort(),
  )
  const refused = await example('nothing')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /got nothing; there are queue-basics, /)
})
