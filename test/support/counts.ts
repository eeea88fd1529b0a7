// A node:test reporter that writes only the closing figures of a file, as one line of JSON, for test/run.ts. It also ends the
// file where that does not end by itself: a wait that a failed test left behind may keep a process alive for ever.
import type { TestEvent } from 'node:test/reporters'
import { childPids, killAll } from './processes.ts'

export interface Counts {
  pass: number
  fail: number
  cancelled: number
  skipped: number
  todo: number
  /** Titles of what failed. */
  failed: string[]
  /** Why the file was ended from here. */
  ended?: string
}

/** ms: most files take less than a second, the longest two minutes on a machine that does nothing else. */
const LONGEST_FILE = 600_000
/** ms between the end of the last test and that of the process. A failed test may have left something that waits. */
const LAST_WORDS = { failed: 5_000, passed: 60_000 }

export default async function* counts(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const found: Counts = { pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0, failed: [] }
  const end = (why: string) => {
    found.ended ??= why
    killAll(childPids().map(pid => ({ pid, command: '' })))
  }
  const longest = setTimeout(end, LONGEST_FILE, `it was still running after ${LONGEST_FILE / 1000} s`)
  let lastWords: NodeJS.Timeout | undefined
  let underWay = 0
  for await (const event of source) {
    if (event.type === 'test:diagnostic' && event.data.nesting === 0) {
      const [, name, figure] = /^(pass|fail|cancelled|skipped|todo) (\d+)$/.exec(event.data.message) ?? []
      if (name) found[name as Exclude<keyof Counts, 'failed' | 'ended'>] = Number(figure)
    } else if (event.type === 'test:fail' && event.data.details.type !== 'suite') found.failed.push(event.data.name)
    if (event.type !== 'test:enqueue' && event.type !== 'test:complete') continue
    // the file itself is a test, too
    if (event.data.nesting !== 0 || event.data.name.endsWith('.test.js')) continue
    underWay += event.type === 'test:enqueue' ? 1 : -1
    clearTimeout(lastWords)
    if (underWay > 0) continue
    const ms = found.failed.length > 0 ? LAST_WORDS.failed : LAST_WORDS.passed
    lastWords = setTimeout(end, ms, `it went on for ${ms / 1000} s after its last test had ended`)
  }
  clearTimeout(longest)
  clearTimeout(lastWords)
  yield `${JSON.stringify(found)}\n`
}
