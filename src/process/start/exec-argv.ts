/**
 * Which of this process's own Node options a child gets: loaders, conditions and limits, but nothing that belongs to one
 * run of one program (code given on the command line, a debugger's port, the test runner, watch mode).
 */

const OWN = [
  /^--inspect/,
  /^--debug/,
  /^--(experimental-)?test/,
  /^--watch/,
  /^--(eval|print|check|interactive|input-type|experimental-default-type|run|entry-url|build-snapshot.*)$/,
  /^-(e|p|pe|c|i)$/,
]

/** `process.execArgv` without what a child must not repeat. */
export function inheritedExecArgv(execArgv: readonly string[] = process.execArgv): string[] {
  const kept: string[] = []
  let dropping = false
  for (const option of execArgv) {
    if (!option.startsWith('-')) {
      // the value of the option before it
      if (!dropping) kept.push(option)
      continue
    }
    const [name] = option.split('=', 1)
    dropping = OWN.some(pattern => pattern.test(name.replaceAll('_', '-')))
    if (!dropping) kept.push(option)
  }
  return kept
}
