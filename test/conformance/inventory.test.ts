// Every portable test of CPython for what is built here stands in these tests under its own name, or in README.md with the reason.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { checkout } from '../support/children.ts'

const inventory = path.resolve(checkout, '../shared/research/cpython-inventory.md')
/** Sections of its chapter 2; of those that speak of several things, the classes that are meant. */
const sections: Record<string, RegExp> = {
  '2.1': /./,
  '2.2': /./,
  '2.3': /./,
  '2.4': /./,
  '2.5': /./,
  '2.6': /./,
  '2.7': /./,
  '2.8': /./,
  '2.9': /./,
  '2.10': /./,
  '2.11': /./,
  '2.12': /./,
  '2.13': /./,
  '2.14': /./,
  '2.15': /./,
  '2.16': /./,
  '2.17': /./,
  '2.18': /./,
  '2.19': /./,
  '2.20': /./,
  '2.21': /./,
  '2.22': /^(TestAtExit|TestLogging)\./,
  '2.23': /^(TestPollEintr|TestIgnoreEINTR|TestInvalidHandle|TestFlags|TestCloseFds)\.|\.test_invalid_family$/,
  '2.24': /./,
  '2.25': /^(TestStdinBadfiledescriptor|TestWait)\./,
  '2.26': /./,
  '2.27': /./,
  '2.28': /./,
  '2.29': /./,
  '2.32': /./,
  '2.33': /./,
  '2.34': /./,
  '2.35': /./,
  '2.36': /./,
}

function portable(): string[] {
  const names: string[] = []
  let wanted: RegExp | undefined
  for (const line of readFileSync(inventory, 'utf8').split('\n')) {
    const section = /^### (2\.\d+)/.exec(line)?.[1]
    if (section !== undefined) wanted = sections[section]
    const name = /^- P (\w+\.test_\w+)/.exec(line)?.[1]
    if (name !== undefined && wanted?.test(name)) names.push(name)
  }
  return names
}

test('every portable test of CPython has one here under its name, or a line that says why not', t => {
  if (!existsSync(inventory)) return t.skip(`the list of CPython's tests is not there: ${inventory}`)
  const folder = path.join(checkout, 'test')
  const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && !file.endsWith('inventory.test.ts'))
    .map(file => readFileSync(path.join(folder, file), 'utf8'))
  const left = readFileSync(path.join(folder, 'conformance/README.md'), 'utf8').split('Left out:')[1] ?? ''
  const all = portable()
  assert.ok(all.length > 100, `the list of CPython's tests cannot be read: ${all.length} found`)
  const stands = (name: string) => texts.some(text => new RegExp(`\\b${name}\\b`).test(text))
  const excused = (name: string) => new RegExp(`\\b${name}\\b`).test(left)
  assert.deepEqual(
    all.filter(name => !stands(name) && !excused(name)),
    [],
  )
})
