// From figures to tables: medians over the rounds, ratios to the peers, goals met or not.
import type { Goal, Scenario } from './scenario.ts'

/** Figures of one implementation: metric → one value for each round. */
export type Figures = Record<string, number[]>

export interface Result {
  scenario: Scenario
  figures: Record<string, Figures>
  errors: Record<string, string>
}

export interface GoalResult {
  goal: string
  metric: string
  ratio: number | null
  met: boolean | null
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

const medianOf = (result: Result, implementation: string, metric: string): number | null => {
  const rounds = result.figures[implementation]?.[metric]
  return rounds && rounds.length > 0 ? median(rounds) : null
}

/** The best figure of a peer group, the peer as fast as it can be had; or of the one implementation of that name. */
export function bestOf(result: Result, group: string, metric: string): number | null {
  const values = Object.entries(result.scenario.implementations)
    .filter(([name, implementation]) => implementation.group === group || name === group)
    .map(([name]) => medianOf(result, name, metric))
    .filter(value => value !== null)
  if (values.length === 0) return null
  return result.scenario.better === 'high' ? Math.max(...values) : Math.min(...values)
}

/** Figure over figure: above 1 means more items, or more time. */
const ratio = (value: number | null, peer: number | null) => (value === null || peer === null ? null : value / peer)

const digits = (value: number) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2))

export function figure(value: number | null, unit = ''): string {
  if (value === null) return '-'
  const [scaled, prefix] = value >= 1e6 ? [value / 1e6, 'M '] : value >= 1e4 ? [value / 1e3, 'k '] : [value, '']
  return `${digits(scaled)} ${prefix}${unit}`.trimEnd()
}

const times = (value: number | null) => (value === null ? '-' : `${digits(value)} ×`)

/** A Markdown table whose columns also line up on a terminal; all but the first are set to the right. */
export function table(head: string[], rows: string[][]): string {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map(row => [...row[i]].length)))
  const pad = (cell: string, i: number) => {
    const blank = ' '.repeat(widths[i] - [...cell].length)
    return i === 0 ? cell + blank : blank + cell
  }
  const line = (cells: string[]) => `| ${cells.map(pad).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

export function resultTable(result: Result): string {
  const { scenario } = result
  const names = Object.keys(scenario.implementations).filter(name => result.figures[name] || result.errors[name])
  const groups = (['CPython', 'fork IPC', 'worker', 'zeromq', 'ioredis', 'pools'] as const).filter(group =>
    Object.values(scenario.implementations).some(one => one.group === group),
  )
  const rows = names.flatMap(name =>
    scenario.metrics
      .filter(metric => result.errors[name] || medianOf(result, name, metric) !== null)
      .slice(0, result.errors[name] ? 1 : undefined)
      .map((metric, i) => {
        const value = medianOf(result, name, metric)
        if (result.errors[name]) return [name, 'failed', '-', ...groups.map(() => '-')]
        return [
          i === 0 ? name : '',
          metric,
          figure(value, scenario.unit),
          ...groups.map(group => times(ratio(value, bestOf(result, group, metric)))),
        ]
      }),
  )
  return table([scenario.title, '', 'median', ...groups.map(group => `to ${group}`)], rows)
}

const say = (scenario: Scenario, { implementation, times: factor, peer }: Goal) => {
  const bound = scenario.better === 'high' ? 'at least' : 'at most'
  return `${scenario.name}: ${implementation}, ${bound} ${Number(factor.toFixed(2))} × ${peer}`
}

export function goalResults(results: Result[]): GoalResult[] {
  return results.flatMap(result =>
    result.scenario.goals.flatMap(goal =>
      goal.metrics.map(metric => {
        const peer = bestOf(result, goal.peer, metric)
        const found = ratio(medianOf(result, goal.implementation, metric), peer)
        const met =
          found === null ? null : result.scenario.better === 'high' ? found >= goal.times : found <= goal.times
        return { goal: say(result.scenario, goal), metric, ratio: found, met }
      }),
    ),
  )
}

export function goalTable(goals: GoalResult[]): string {
  return table(
    ['Goal', '', 'ratio', ''],
    goals.map(({ goal, metric, ratio, met }) => [
      goal,
      metric,
      times(ratio),
      met === null ? 'not measured' : met ? 'met' : 'not met',
    ]),
  )
}
