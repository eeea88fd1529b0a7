/** The outcome of a census, for people (tables and a bar chart) and for programs (one JSON object). */

import Table from 'cli-table3'
import type { CensusResult } from './census.ts'
import type { Tally } from './tally.ts'
import { type Skipped, type SkippedKind, toText } from './walk.ts'

export interface Report {
  folder: string
  workers: number
  /** How many of the commonest words to show. */
  top: number
  result: CensusResult
  /** The same census in one process; left out with --no-compare. */
  single?: { tally: Tally; elapsed: number }
  /** What differs between the two; empty if nothing does. */
  disagreements?: string[]
}

const SKIPPED: [kind: SkippedKind, caption: string][] = [
  ['binary', 'binary (a NUL in the first 8 KiB)'],
  ['unreadable', 'unreadable'],
  ['vanished', 'vanished between the walk and the count'],
  ['link', 'symbolic links, not followed'],
  ['special', 'neither file nor folder'],
]
const NAMES_SHOWN = 10
const DISAGREEMENTS_SHOWN = 20

export function asJson({ folder, workers, top, result, single, disagreements }: Report): string {
  const { tally, perWorker, elapsed, kills, deaths } = result
  const skipped = SKIPPED.map(([kind]) => {
    const found = tally.skippedAs(kind)
    return [kind, { count: found.length, names: found.map(s => toText(s.path)) }]
  })
  const answer = {
    folder,
    workers,
    totals: totals(tally),
    perWorker,
    words: tally.table.top(top).map(([word, count]) => ({ word, count })),
    differentWords: tally.table.size,
    skipped: { ...Object.fromEntries(skipped), binaryBytes: tally.binaryBytes },
    elapsed: Math.round(elapsed),
    kills,
    deaths,
    single: single ? { totals: totals(single.tally), elapsed: Math.round(single.elapsed) } : null,
    agree: disagreements ? disagreements.length === 0 : null,
    disagreements: disagreements ?? [],
  }
  return `${JSON.stringify(answer, null, 2)}\n`
}

export function asText(report: Report, width: number): string {
  const { folder, result, top } = report
  const parts = [
    `Census of ${folder}`,
    workerTable(result),
    chart(result.tally.table.top(top), result.tally.table.size, width),
    ...SKIPPED.map(([kind, caption]) => names(caption, result.tally.skippedAs(kind))),
    times(report),
  ]
  return `${parts.filter(part => part !== '').join('\n\n')}\n`
}

function workerTable({ tally, perWorker }: CensusResult): string {
  const head = ['', 'files', 'bytes', 'lines', 'words']
  const table = new Table({
    head,
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const row of [...perWorker, { name: 'all text files', ...totals(tally) }]) {
    table.push([row.name, ...[row.files, row.bytes, row.lines, row.words].map(grouped)])
  }
  return table.toString()
}

function chart(words: [string, number][], different: number, width: number): string {
  if (words.length === 0) return ''
  const labelWidth = Math.max(...words.map(([word]) => word.length))
  const countWidth = Math.max(...words.map(([, count]) => grouped(count).length))
  const room = Math.max(10, width - labelWidth - countWidth - 2)
  const lines = words.map(([word, count]) => {
    const length = Math.max(1, Math.round((count / words[0][1]) * room))
    return `${word.padStart(labelWidth)} ${grouped(count).padStart(countWidth)} ${'█'.repeat(length)}`
  })
  return [`The commonest ${words.length} of ${grouped(different)} different words`, ...lines].join('\n')
}

function names(caption: string, skipped: Skipped[]): string {
  if (skipped.length === 0) return ''
  const lines = skipped.slice(0, NAMES_SHOWN).map(({ path, trouble }) => `  ${printable(toText(path))} (${trouble})`)
  const more = skipped.length - NAMES_SHOWN
  if (more > 0) lines.push(`  … and ${grouped(more)} more`)
  return [`Not counted: ${grouped(skipped.length)} ${caption}`, ...lines].join('\n')
}

/** What one process does in less than this, ms, is hardly worth sharing: to start a worker takes 100 ms. */
const SMALL_JOB = 1000

function times({ result, workers, single, disagreements }: Report): string {
  const lines: string[] = []
  if (result.deaths > 0) {
    lines.push(`${grouped(result.deaths)} workers died, ${grouped(result.kills)} killed by us, and were replaced.`)
  }
  const processes = workers === 1 ? '1 worker process' : `${workers} worker processes`
  lines.push(`${seconds(result.elapsed)} with ${processes}, their start included`)
  if (!single || !disagreements) return lines.join('\n')
  const ratio = single.elapsed / result.elapsed
  const verdict =
    ratio >= 1 ? `${processes} were ${ratio.toFixed(2)} × faster` : `it was ${(1 / ratio).toFixed(2)} × faster`
  lines.push(`${seconds(single.elapsed)} in one process, after the others, with no process to start: ${verdict}`)
  if (ratio < 1 && single.elapsed < SMALL_JOB) {
    lines.push('So small a job gains nothing by being shared: starting processes and handing work over costs more.')
  }
  if (disagreements.length === 0) {
    lines.push(`Totals agree: ${grouped(single.tally.table.size)} words compared one by one.`)
    return lines.join('\n')
  }
  lines.push(`Totals DISAGREE in ${grouped(disagreements.length)} places (${processes} and one process):`)
  for (const found of disagreements.slice(0, DISAGREEMENTS_SHOWN)) lines.push(`  ${found}`)
  const more = disagreements.length - DISAGREEMENTS_SHOWN
  if (more > 0) lines.push(`  … and ${grouped(more)} more`)
  return lines.join('\n')
}

function totals({ files, bytes, lines, words }: Tally) {
  return { files, bytes, lines, words }
}

function grouped(number: number): string {
  return number.toLocaleString('en-US')
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}

/** A file name may hold anything; a terminal should not obey it. */
function printable(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return name.replace(/[\x00-\x1f\x7f-\x9f]/g, c => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
