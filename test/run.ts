// The test command: runs every file of tests, two at a time, sums the figures, and looks for what was left behind.
//
//   npm test                       everything but test/stress
//   npm test -- queue lock         only files with one of these words in their path (test/stress too, when named)
//   npm test -- --name 'aborted'   only tests whose title matches
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Counts } from './support/counts.ts'
import { killAll, processesMarked } from './support/processes.ts'
import { Remains } from './support/remains.ts'

const tests = path.dirname(fileURLToPath(import.meta.url))
const checkout = path.resolve(tests, '../..')
/** ms: the whole run. How long a file may take stands in support/counts.ts. */
const longestRun = 19 * 60_000
/**
 * Files at a time. Some compute, most wait for processes of their own half of the time: two of them keep two cores busy. A
 * third would only make each one slower.
 */
const LANES = 2
/** What takes longest begins first, so that all lanes end at about the same time. */
const LONG = ['conformance/', 'crash/', 'model/', 'process/']
/** What looks at what the others have done. */
const LAST = 'crash/swept.test.js'
/**
 * These look at files of src/ one by one, and have the package as these files. All others have it as it is published, which
 * starts a child in half of the time.
 */
const ON_FILES = [
  'arena/',
  'codec/',
  'contract/',
  'crash/',
  'manager/',
  'model/',
  'os/',
  'pickle/',
  'pool/',
  'shared/',
  'wire/',
]
/** Marks all that a file has started. */
const FILE = 'MULTIPROC_TEST_FILE'

const { values, positionals: words } = parseArgs({ allowPositionals: true, options: { name: { type: 'string' } } })

const rank = (file: string) => LONG.findIndex(folder => file.startsWith(folder)) >>> 0
const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.js'))
  // what was compiled from a file that has since gone or been renamed
  .filter(file => existsSync(path.join(checkout, 'test', file.replace(/js$/, 'ts'))))
  .filter(file => (words.length === 0 ? !file.startsWith('stress/') : words.some(word => file.includes(word))))
  .sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))

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
/** Said so that it holds for all children, too. */
const onFiles = { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --conditions=multiproc-files`.trim() }
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

const total = { passed: 0, failed: 0, skipped: 0 }
const failures: string[] = []

/** What a file says is shown when it has ended, in one piece; at once, if it is the only one. */
async function runFile(file: string, n: number): Promise<void> {
  const [figures, said] = [path.join(scratch, `${n}.json`), path.join(scratch, `${n}.txt`)]
  const output = files.length === 1 ? 'inherit' : openSync(said, 'w')
  const mark = `${path.basename(remains.env.TMPDIR)}-${n}`
  const args = [
    // #words is the interleaving checker there
    ...(file.startsWith('model/') ? ['--conditions=model'] : []),
    '--test',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${new URL('./support/counts.js', import.meta.url).href}`,
    `--test-reporter-destination=${figures}`,
    ...(values.name === undefined ? [] : [`--test-name-pattern=${values.name}`]),
    path.join(tests, file),
  ]
  const began = performance.now()
  const child = spawn(process.execPath, args, {
    cwd: checkout,
    stdio: ['ignore', output, output],
    env: {
      ...process.env,
      ...remains.env,
      ...(ON_FILES.some(folder => file.startsWith(folder)) ? onFiles : {}),
      MULTIPROC_COMMONS: mark, // the files do not meet in share()
      MULTIPROC_SWEPT: sweptFolder,
      [FILE]: mark,
    },
  })
  running.add(child)
  const code = await new Promise<number | NodeJS.Signals | null>(resolve =>
    child.once('exit', (code, signal) => resolve(code ?? signal)),
  )
  running.delete(child)
  if (output !== 'inherit') {
    closeSync(output)
    process.stdout.write(`\n${file} (${((performance.now() - began) / 1000).toFixed(1)} s)\n`)
    process.stdout.write(withoutFigures(readFileSync(said, 'utf8')))
  }
  let counts: Counts
  try {
    counts = JSON.parse(readFileSync(figures, 'utf8'))
    if (code !== 0 && counts.fail + counts.cancelled === 0) throw new Error('it failed without naming a test')
  } catch (error) {
    const what = `node --test ended with ${code} and no figures: ${error}`
    counts = { pass: 0, fail: 1, cancelled: 0, skipped: 0, todo: 0, failed: [what] }
  }
  total.passed += counts.pass
  total.failed += counts.fail + counts.cancelled
  total.skipped += counts.skipped + counts.todo
  for (const title of counts.failed) failures.push(`${file}: ${title}`)
  if (counts.ended !== undefined) failures.push(`${file} was killed: ${counts.ended}`)
  // who fails cannot tidy up: what it left shall not be in the way of others, nor be one more failure
  if (code !== 0) killAll(processesMarked(FILE, mark))
}

/** What it says at the end about all of its tests; here they are summed. */
const withoutFigures = (text: string): string =>
  text.replace(/^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+\n/gm, '')

const waiting = [...files.entries()].filter(([, file]) => file !== LAST)
async function lane(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await runFile(next[1], next[0])
}
await Promise.all(Array.from({ length: LANES }, lane))
if (files.includes(LAST)) await runFile(LAST, files.length)
clearTimeout(timer)
rmSync(scratch, { recursive: true, force: true })

const left = await remains.clear()
for (const what of left) console.error(`Left behind by the tests: ${what}`)
for (const failure of failures) console.error(`Failed: ${failure}`)
if (left.length > 0) total.failed++
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exit(total.failed > 0 ? 1 : 0)
