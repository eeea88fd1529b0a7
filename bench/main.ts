// npm run bench: every implementation in a fresh process group, round after round in turn, so that a slow minute slows all alike.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import { barrier } from './barrier.ts'
import { lock } from './lock.ts'
import { manager } from './manager.ts'
import { pipe, pipeBytes } from './pipe.ts'
import { pool, poolBusy, poolChunks } from './pool.ts'
import { queue } from './queue.ts'
import { goalResults, goalTable, median, type Result, resultTable } from './report.ts'
import { roundTrip } from './round-trip.ts'
import { folder, python, runPython, type Scenario } from './scenario.ts'
import { socket, socketBytes } from './socket.ts'
import { start } from './start.ts'
import { value } from './value.ts'

const scenarios = [
  queue,
  roundTrip,
  pipe,
  pipeBytes,
  socket,
  socketBytes,
  lock,
  value,
  barrier,
  manager,
  start,
  pool,
  poolChunks,
  poolBusy,
]
/** ms after which an implementation counts as stuck: its group is killed. */
const deadline = 30_000

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError(`Expected a number above 0, got ${text}.`)
  return value
}

function rounds(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError(`Expected a whole number from 1 up, got ${text}.`)
  return Number(text)
}

function chosen(text: string): Scenario[] {
  return text.split(',').map(name => {
    const found = scenarios.find(scenario => scenario.name === name.trim())
    if (!found)
      throw new InvalidArgumentError(`Expected some of ${scenarios.map(({ name }) => name).join(',')}, got ${name}.`)
    return found
  })
}

const program = new Command('bench')
  .description('Measures multiproc beside CPython multiprocessing and child_process.fork in the same run.')
  .option('--rounds <n>', 'rounds, interleaved; the median counts', rounds, 3)
  .option('--only <names>', `of ${scenarios.map(({ name }) => name).join(',')} (default: all)`, chosen)
  .option('--seconds <s>', 'measuring time of one implementation in one round (default: by scenario)', positive)
  .option('--json', 'print everything as JSON')
  .option('--write', 'put the tables into bench/README.md')
  .addOption(
    new Option('--implementation <name>', 'run only this one, in this process, and print its figures').hideHelp(),
  )
  .helpOption('--help', 'show this')

interface Options {
  rounds: number
  only?: Scenario[]
  seconds?: number
  json?: boolean
  write?: boolean
  implementation?: string
}

const living = new Set<number>()
const endGroup = (pid: number) => {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // nothing of it is left
  }
}
const isGroupAlive = (pid: number) => {
  try {
    process.kill(-pid, 0)
    return true
  } catch {
    return false
  }
}
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => {
    for (const pid of living) endGroup(pid)
    process.exit(code)
  })

/** Runs one implementation once, in a process group that is gone afterwards. */
async function measure(
  scenario: Scenario,
  implementation: string,
  seconds: number,
): Promise<{ figures: [string, number][]; error: string | null }> {
  const args = [
    fileURLToPath(import.meta.url),
    '--only',
    scenario.name,
    '--implementation',
    implementation,
    '--seconds',
    String(seconds),
  ]
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const pid = child.pid!
  living.add(pid)
  let output = ''
  let errors = ''
  let late = false
  child.stdout.setEncoding('utf8').on('data', text => (output += text))
  child.stderr.setEncoding('utf8').on('data', text => (errors += text))
  const timer = setTimeout(() => {
    late = true
    endGroup(pid)
  }, deadline)
  const closed = new Promise(resolve => child.once('close', resolve))
  const code = await new Promise(resolve => child.once('exit', (code, signal) => resolve(code ?? signal)))
  clearTimeout(timer)
  let left = false
  for (let i = 0; i < 50; i++) {
    left = isGroupAlive(pid)
    if (!left) break
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  endGroup(pid)
  living.delete(pid)
  await closed
  const figures = output
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
    .map(({ metric, value }): [string, number] => [metric, value])
  const why = late
    ? `no end within ${deadline / 1000} s`
    : code !== 0
      ? `exit code ${code}`
      : left && !late
        ? 'left a process behind'
        : null
  return { figures, error: why && `${why}: ${errors.trim().slice(-1500)}` }
}

async function measureAll(options: Options): Promise<Result[]> {
  const pythonVersion = versionOf(python)
  if (pythonVersion === null)
    console.error(
      `${python} was not found: NOTHING IS COMPARED WITH CPYTHON. Install Python 3.8 or later, or name it in PYTHON.`,
    )
  const results = (options.only ?? scenarios).map((scenario): Result => ({ scenario, figures: {}, errors: {} }))
  const jobs = results.flatMap(result =>
    Object.entries(result.scenario.implementations)
      .filter(([, { python: peer }]) => pythonVersion !== null || !peer)
      .map(([name]) => ({ result, name })),
  )
  let done = 0
  for (let round = 1; round <= options.rounds; round++) {
    for (const { result, name } of jobs) {
      done++
      if (process.stderr.isTTY)
        process.stderr.write(
          `\r\x1b[K[${done}/${jobs.length * options.rounds}] round ${round}: ${result.scenario.name}, ${name}`,
        )
      if (result.errors[name]) continue
      const { figures, error } = await measure(result.scenario, name, options.seconds ?? result.scenario.seconds)
      if (error) {
        result.errors[name] = error
        delete result.figures[name]
        continue
      }
      result.figures[name] ??= {}
      for (const [metric, value] of figures) {
        result.figures[name][metric] ??= []
        result.figures[name][metric].push(value)
      }
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  return results
}

function versionOf(command: string): string | null {
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 10_000 })
  return status === 0 ? stdout.trim() : null
}

function circumstances(options: Options) {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: folder, encoding: 'utf8', timeout: 10_000 })
  const commit = git('rev-parse', '--short', 'HEAD').stdout?.trim() || 'unknown'
  const changed = git('status', '--porcelain', '--untracked-files=no').stdout?.trim() ? ', changed since' : ''
  return {
    machine: `${cpus()[0]?.model.trim() ?? process.arch}, ${cpus().length} cores`,
    node: process.version,
    python: versionOf(python) ?? 'none',
    commit: commit + changed,
    date: new Date().toISOString().slice(0, 10),
    rounds: options.rounds,
  }
}

function write(text: string): void {
  const file = path.join(folder, 'README.md')
  const [before, rest] = readFileSync(file, 'utf8').split('<!-- results -->\n')
  const after = rest?.split('<!-- end of results -->\n')[1]
  if (after === undefined)
    throw new Error(`Expected ${file} to hold the lines <!-- results --> and <!-- end of results -->`)
  writeFileSync(file, `${before}<!-- results -->\n\n${text}\n\n<!-- end of results -->\n${after}`)
}

async function main(): Promise<void> {
  const options = program.parse().opts<Options>()
  if (options.implementation !== undefined) {
    const [scenario] = options.only ?? scenarios
    const found = scenario.implementations[options.implementation]
    if (!found)
      throw new Error(
        `Expected one of ${Object.keys(scenario.implementations).join('; ')}, got ${options.implementation}`,
      )
    const seconds = options.seconds ?? scenario.seconds
    await (found.python ? runPython(found.python, seconds) : found.run!(seconds))
    return
  }

  const about = circumstances(options)
  const results = await measureAll(options)
  const goals = goalResults(results)
  const failures = results.flatMap(({ scenario, errors }) =>
    Object.entries(errors).map(([name, why]) => `${scenario.name}, ${name} failed: ${why}`),
  )
  if (options.json) {
    const figures = results.map(({ scenario: { name, unit }, figures }) => ({
      scenario: name,
      unit,
      implementations: Object.entries(figures).map(([implementation, found]) => ({
        implementation,
        metrics: Object.entries(found).map(([metric, rounds]) => ({ metric, median: median(rounds), rounds })),
      })),
    }))
    console.log(JSON.stringify({ ...about, results: figures, goals, failures }, null, 2))
  } else {
    const said = `${about.machine}; Node ${about.node}; ${about.python === 'none' ? 'no Python' : about.python}; commit ${about.commit}; ${about.date}; medians of ${about.rounds} rounds.`
    const text = [said, ...results.map(resultTable), goalTable(goals)].join('\n\n')
    console.log(text)
    if (options.write) write(text)
  }
  for (const failure of failures) console.error(failure)
  if (failures.length > 0) process.exitCode = 1
}

await main()
