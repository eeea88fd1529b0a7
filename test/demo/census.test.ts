import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { type Child, type ChildOptions, checkout, type Ended, run, start, until } from '../support/children.js'
import { largeTree, prose, totalsByWc, tree } from './tree.js'

const argv = (...args: string[]) => [process.execPath, path.join(checkout, 'build/demo/main.js'), ...args]
const demo = (args: string[], options?: ChildOptions): Promise<Ended> =>
  run(argv(...args), { deadline: 120_000, ...options })

async function json(...args: string[]): Promise<any> {
  const { code, stdout, stderr } = await demo(['--json', ...args])
  assert.equal(stderr, '')
  assert.equal(code, 0)
  return JSON.parse(stdout)
}

const manyFiles = Object.fromEntries(
  Array.from({ length: 300 }, (_, i) => [`folder ${i % 7}/${i}.txt`, prose(i, i + 1)]),
)

test('demo: the totals are those of find and wc, and of the census in one process', async t => {
  const folder = tree(t, { ...manyFiles, empty: '', latin: Buffer.from('caf\xe9\r\n', 'latin1') })
  const expected = totalsByWc(folder)
  const report = await json('--workers', '3', folder)
  assert.deepEqual(report.totals, expected)
  assert.deepEqual(report.single.totals, expected)
  assert.equal(report.agree, true)
  assert.equal(report.deaths, 0)
  for (const name of ['files', 'bytes', 'lines', 'words'] as const) {
    const sum = report.perWorker.reduce((total: number, worker: any) => total + worker[name], 0)
    assert.equal(sum, expected[name], `the workers' ${name} add up`)
  }
})

test('demo: the words are those a regular expression finds', async t => {
  const folder = tree(t, manyFiles)
  const expected = new Map<string, number>()
  for (const text of Object.values(manyFiles)) {
    for (const [run] of text.matchAll(/[A-Za-z]+/g)) {
      expected.set(run.toLowerCase(), (expected.get(run.toLowerCase()) ?? 0) + 1)
    }
  }
  const { words, differentWords } = await json('--no-compare', '--top', '1000', folder)
  assert.equal(differentWords, expected.size)
  assert.deepEqual(new Map(words.map(({ word, count }: any) => [word, count])), expected)
})

test('demo: binary files, links and fifos are counted and named, and end nothing', async t => {
  const folder = tree(t, { text: 'one two\n', 'naïve.bin': 'a\0b' })
  symlinkSync('/', path.join(folder, 'link'))
  execFileSync('mkfifo', [path.join(folder, 'fifo')])
  const { totals, skipped, agree } = await json(folder)
  assert.deepEqual(totals, { files: 1, bytes: 8, lines: 1, words: 2 })
  assert.deepEqual(skipped.binary, { count: 1, names: ['naïve.bin'] })
  assert.deepEqual(skipped.link, { count: 1, names: ['link'] })
  assert.deepEqual(skipped.special, { count: 1, names: ['fifo'] })
  assert.equal(skipped.binaryBytes, 3)
  assert.equal(agree, true)
})

test('demo: an empty folder has nothing in it', async t => {
  const { totals, words } = await json(tree(t))
  assert.deepEqual(totals, { files: 0, bytes: 0, lines: 0, words: 0 })
  assert.deepEqual(words, [])
})

test('demo: the report for people has a row per worker, ten names, a bar chart and the comparison', async t => {
  const binaries = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`binary ${10 + i}`, '\0']))
  const folder = tree(t, { ...binaries, text: 'the the the cat\n', '!odd \x1b[31m': '\0' })
  const { code, stdout, stderr } = await demo(['--workers', '2', folder])
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /│ worker 1 +│/)
  assert.match(stdout, /│ worker 2 +│/)
  assert.match(stdout, /│ all text files +│ +1 │ +16 │ +1 │ +4 │/)
  assert.match(stdout, /^the 3 █{74}\n {0}cat 1 █{25}$/m)
  assert.match(stdout, /Not counted: 13 binary/)
  assert.match(stdout, / {2}!odd \\x1b\[31m \(1 byte\)\n {2}binary 10 \(1 byte\)/)
  assert.match(stdout, / {2}binary 18 \(1 byte\)\n {2}… and 3 more/)
  assert.match(stdout, /Totals agree: 2 words compared one by one\./)
  assert.ok(!stdout.includes('\x1b'), 'a file name may not write to the terminal')
})

for (const [what, args, line] of [
  ['a folder that does not exist', ['/no/such folder'], /"\/no\/such folder" does not exist/],
  ['a file instead of a folder', [process.execPath], /is not a folder/],
  ['an unknown option', ['--fast'], /unknown option '--fast'/],
  ['no workers', ['--workers', '0'], /Expected a whole number from 1 to 256/],
  ['half a worker', ['--workers', '1.5'], /Expected a whole number/],
  ['two folders', ['/', '/'], /too many arguments/],
] as const) {
  test(`demo: ${what} gets one line on stderr and exit code 2`, async () => {
    const { code, stdout, stderr } = await demo([...args])
    assert.match(stderr, line)
    assert.match(stderr, /^error: [^\n]+\n$/)
    assert.deepEqual([code, stdout], [2, ''])
  })
}

test('demo: --help explains the options and ends with 0', async () => {
  const { code, stdout } = await demo(['--help'])
  assert.equal(code, 0)
  for (const option of ['--workers', '--kill', '--kill-every', '--json', '--top', '--no-compare'])
    assert.match(stdout, new RegExp(option))
})

test('demo: --kill, workers killed with SIGKILL all the time: the totals are still exact', async t => {
  const folder = largeTree(t, 300)
  const report = await json('--workers', '3', '--kill-every', '150', folder)
  assert.ok(report.kills >= 3, `${report.kills} kills`)
  assert.ok(report.deaths >= 3, `${report.deaths} deaths`)
  assert.deepEqual(report.totals, report.single.totals)
  assert.equal(report.totals.files, 300)
  assert.equal(report.agree, true)
})

for (const [signal, expected] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`demo: ${signal} to all its processes at work ends them at once, with ${expected}`, async t => {
    const child = start(argv('--workers', '2', largeTree(t, 5000)), { deadline: 120_000 })
    await until(() => atWork(child).length >= 2, 60_000, 'workers at work')
    process.kill(-child.pid, signal)
    const { code, stdout, stderr, late } = await child.ended
    assert.deepEqual([code, late, stdout, stderr], [expected, false, '', ''])
    await until(() => child.leftovers().length === 0, 60_000, 'no process left')
  })
}

test('demo: SIGINT to the main process alone takes the workers with it', async t => {
  const child = start(argv('--workers', '2', largeTree(t, 5000)), { deadline: 120_000 })
  await until(() => atWork(child).length >= 2, 60_000, 'workers at work')
  child.kill('SIGINT')
  const { code, stdout, stderr } = await child.ended
  assert.deepEqual([code, stdout, stderr], [130, '', ''])
  await until(() => child.leftovers().length === 0, 60_000, 'no process left')
})

test('demo: kill -9 of the main process takes the workers with it', async t => {
  const child = start(argv('--workers', '2', largeTree(t, 5000)), { deadline: 120_000 })
  await until(() => atWork(child).length >= 2, 60_000, 'workers at work')
  child.kill('SIGKILL')
  await child.ended
  await until(() => child.leftovers().length === 0, 60_000, 'no process left')
})

/** Its worker processes that have read tens of megabytes, more than a Node process that only starts. */
function atWork(child: Child): number[] {
  const workers = child.leftovers().filter(({ pid }) => pid !== child.pid)
  return workers.map(({ pid }) => pid).filter(pid => bytesRead(pid) > 50e6)
}

function bytesRead(pid: number): number {
  try {
    return Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
  } catch {
    return 0 // it has ended
  }
}
