/** The stack of whoever asked, behind that of what went wrong elsewhere. */

/** The files of this package: what runs a task, below everything in its stack, is of no interest there. */
const OWN = new URL('../', import.meta.url).href
const isOwn = (line: string): boolean => line.includes(OWN)
/** A line of a stack that says where, and not what. */
const isFrame = (line: string): boolean => /^\s+at /.test(line)

/** Frames of the caller that are worth showing. */
const FRAMES = 3

/** Where we are called from, without the frames from `above` on. Costs little until it is read. */
export function callSite(above: (...args: any[]) => unknown): { stack?: string } {
  const site: { stack?: string } = {}
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = FRAMES
  Error.captureStackTrace(site, above)
  Error.stackTraceLimit = before
  return site
}

const told = new WeakSet<Error>()

/** Adds the caller's stack to an error, once. Anything else that was thrown stays as it is. */
export function addCallSite(error: unknown, site: { stack?: string }): void {
  if (!(error instanceof Error) || told.has(error)) return
  told.add(error)
  const frames = (site.stack ?? '').split('\n').slice(1).join('\n')
  if (frames === '') return
  const lines = (error.stack ?? String(error)).split('\n')
  const last = lines.findLastIndex(line => !isFrame(line) || !(isOwn(line) || line.includes('(node:')))
  const there = lines.filter((line, i) => i <= last || !isOwn(line))
  try {
    error.stack = `${there.join('\n')}\n    --- asked for by process ${process.pid} ---\n${frames}`
  } catch {
    // frozen, or a stack that cannot be set: the error itself counts
  }
}
