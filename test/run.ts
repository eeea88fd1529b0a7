// The test command: runs every test in the group it belongs to, sums the figures, and looks for what was left behind.
//
//   npm test                       everything but test/stress
//   npm test -- queue lock         only files with one of these words in their path (test/stress too, when named)
//   npm test -- --name 'aborted'   only tests whose title matches
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Counts } from './support/counts.ts'
import { Remains } from './support/remains.ts'

const tests = path.dirname(fileURLToPath(import.meta.url))
const checkout = path.resolve(tests, '../..')
/** ms: a file of tests that takes longer has failed; most take less than a second. */
const longestFile = 400_000
/** ms: the whole run. */
const longestRun = 18 * 60_000

const { values, positionals: words } = parseArgs({ allowPositionals: true, options: { name: { type: 'string' } } })

const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.js'))
  // what was compiled from a file that has since gone or been renamed
  .filter(file => existsSync(path.join(checkout, 'test', file.replace(/js$/, 'ts'))))
  .filter(file => (words.length === 0 ? !file.startsWith('stress/') : words.some(word => file.includes(word))))
  .sort()

// at the same time: the one computes, the other mostly waits for processes. What the later one says comes at the end
const groups = [
  { name: 'processes', files: files.filter(file => !file.startsWith('model/')), flags: [] },
  // #words is the interleaving checker there
  { name: 'model', files: files.filter(file => file.startsWith('model/')), flags: ['--conditions=model'] },
].filter(group => group.files.length > 0)

if (files.length === 0) {
  console.error(
    `Expected words that occur in the path of a test file under test/, got ${words.join(' ') || 'an empty folder'}`,
  )
  process.exit(1)
}

const remains = new Remains()
const scratch = mkdtempSync(path.join(checkout, 'build/test-run-'))
/** Where the crash sweeps note what they have swept, for crash/swept.test.ts. */
const sweptFolder = path.join(scratch, 'swept')
mkdirSync(sweptFolder)
const running = new Set<ChildProcess>()
const finish = async (code: number, reason: string): Promise<void> => {
  for (const child of running) child.kill('SIGKILL')
  // twice: one that was just being started may have been missed
  remains.kill()
  remains.kill()
  await remains.clear(0)
  rmSync(scratch, { recursive: true, force: true })
  console.error(reason)
  process.exit(code)
}
process.on('SIGINT', () => finish(130, '\nInterrupted: all test processes were killed.'))
process.on('SIGTERM', () => finish(143, '\nTerminated: all test processes were killed.'))
process.on('SIGHUP', () => finish(129, '\nHung up: all test processes were killed.'))
const timer = setTimeout(
  () => finish(1, `The run took longer than ${longestRun / 60_000} minutes: stopped.`),
  longestRun,
)

async function runGroup(group: (typeof groups)[number], output: number | 'inherit'): Promise<Counts> {
  const figures = path.join(scratch, `${group.name}.json`)
  const reporter = new URL('./support/counts.js', import.meta.url).href
  const args = [
    ...group.flags,
    '--test',
    // files one after another: each may start as many processes as there are cores, and waits are bounded
    '--test-concurrency=1',
    `--test-timeout=${longestFile}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${figures}`,
    ...(values.name === undefined ? [] : [`--test-name-pattern=${values.name}`]),
    ...group.files.map(file => path.join(tests, file)),
  ]
  const child = spawn(process.execPath, args, {
    cwd: checkout,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...remains.env, MULTIPROC_SWEPT: sweptFolder },
  })
  running.add(child)
  const code = await new Promise<number | NodeJS.Signals | null>(resolve =>
    child.once('exit', (code, signal) => resolve(code ?? signal)),
  )
  running.delete(child)
  try {
    const counts: Counts = JSON.parse(readFileSync(figures, 'utf8'))
    if (code !== 0 && counts.fail + counts.cancelled === 0) throw new Error('it failed without naming a test')
    return counts
  } catch (error) {
    console.error(`node --test ended with ${code} and no figures: ${error}`)
    return { pass: 0, fail: 1, cancelled: 0, skipped: 0, todo: 0 }
  }
}

let passed = 0
let failed = 0
let skipped = 0
const [first, ...later] = groups
const outputs = later.map(group => path.join(scratch, `${group.name}.txt`))
const all = await Promise.all([
  runGroup(first, 'inherit'),
  ...later.map((group, i) => runGroup(group, openSync(outputs[i], 'w'))),
])
for (const output of outputs) process.stdout.write(readFileSync(output))
for (const counts of all) {
  passed += counts.pass
  failed += counts.fail + counts.cancelled
  skipped += counts.skipped + counts.todo
}
clearTimeout(timer)
rmSync(scratch, { recursive: true, force: true })

const left = await remains.clear()
for (const what of left) console.error(`Left behind by the tests: ${what}`)
if (left.length > 0) failed++
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed > 0 ? 1 : 0)
