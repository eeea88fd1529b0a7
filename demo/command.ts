/** The demo's command line: reads the arguments, runs the census and the comparison, prints the report. */

import { realpathSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { activeChildren, cpuCount } from 'multiproc'
import { census } from './census.ts'
import { codeOf } from './count.ts'
import { Progress } from './progress.ts'
import { asJson, asText } from './report.ts'
import { countAlone } from './single.ts'
import { differences } from './tally.ts'

interface Options {
  workers: number
  kill?: boolean
  killEvery?: number
  json?: true
  top: number
  compare: boolean
}

const KILL_EVERY = 300
/** From build/demo/ to the project. */
const ownModules = fileURLToPath(new URL('../../node_modules', import.meta.url))

const command = new Command('demo')
  .description('Counts files, bytes, lines and words of every text file under a folder, with several processes.')
  .argument('[folder]', "what to count (default: the project's own node_modules)")
  .option('--workers <n>', 'how many worker processes', whole(1, 256), cpuCount())
  .option('--kill', `kill a random worker with SIGKILL every ${KILL_EVERY} ms`)
  .option('--kill-every <ms>', 'the same, this often', whole(20, 3_600_000))
  .option('--json', 'print one JSON object instead of the tables')
  .option('--top <n>', 'how many of the commonest words to show', whole(0, 1_000_000), 20)
  .option('--no-compare', 'leave out the same census in a single process')
  .allowExcessArguments(false)
  .showSuggestionAfterError(false)
  .exitOverride()

export async function run(argv: string[]): Promise<void> {
  endAtOnceOn('SIGINT', 'SIGTERM', 'SIGHUP')
  // Whoever reads our output may stop reading (`| head`): there is nobody left to tell.
  process.stdout.on('error', () => endAtOnce(1))
  try {
    command.parse(argv)
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Commander has printed the help, or its one line on what is wrong.
    process.exitCode = error.exitCode === 0 ? 0 : 2
    return
  }
  const folder = existingFolder(command.args[0] ?? ownModules)
  if (folder === undefined) return
  try {
    await count(folder, command.opts<Options>())
  } catch (error) {
    console.error(error)
    endAtOnce(1)
  }
}

async function count(folder: Buffer, options: Options): Promise<void> {
  const killEvery = options.killEvery ?? (options.kill ? KILL_EVERY : undefined)
  const progress = new Progress(process.stderr)
  const { workers, top } = options
  const onProgress = (counted: number, found: number) => progress.show(counted, found)
  const result = await census({ folder, workers, killEvery, onProgress })
  progress.stop()
  const single = options.compare ? await countAlone(folder) : undefined
  const disagreements = single && differences(result.tally, single.tally)
  const report = { folder: folder.toString(), workers, top, result, single, disagreements }
  process.stdout.write(options.json ? asJson(report) : asText(report, process.stdout.columns || 80))
  if (disagreements?.length) process.exitCode = 1
}

/** The folder with its links resolved, as bytes; or, after one line on stderr, undefined. */
function existingFolder(given: string): Buffer | undefined {
  let trouble = 'is not a folder'
  try {
    if (statSync(given).isDirectory()) return realpathSync(given, { encoding: 'buffer' })
  } catch (error) {
    const code = codeOf(error)
    trouble = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
  }
  console.error(`error: Expected a folder to count, but ${JSON.stringify(given)} ${trouble}.`)
  process.exitCode = 2
  return undefined
}

/** An option's value as a whole number between two bounds. */
function whole(least: number, most: number): (given: string) => number {
  return given => {
    const number = Number(given)
    if (/^\d+$/.test(given) && number >= least && number <= most) return number
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`)
  }
}

/** Ctrl-C: no farewell, no waiting. The exit code is the one a shell gives for the signal: 130 for SIGINT. */
function endAtOnceOn(...signals: ('SIGINT' | 'SIGTERM' | 'SIGHUP')[]): void {
  for (const signal of signals) process.on(signal, () => endAtOnce(128 + constants.signals[signal]))
}

function endAtOnce(exitCode: number): never {
  for (const child of activeChildren()) child.kill()
  // The progress bar may stand on the line where the shell is about to write its prompt.
  if (process.stderr.isTTY) process.stderr.write('\n')
  process.exit(exitCode)
}
