// The tools that keep the tree honest, run on src/, and each on a made-up text with the fault it is there to find.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLayers, importsOf } from '../tools/check-layers.ts'
import { checkSteps } from '../tools/check-steps.ts'
import { readSources, splitComments } from '../tools/source-text.ts'
import { checkout } from './support/children.ts'

const sources = readSources(checkout, 'src')
const files = (texts: Record<string, string>) => new Map(Object.entries(texts))

test('src/: every import points down the list of layers, without cycles', () => {
  assert.deepEqual(checkLayers(sources), [])
})

test('src/: every numbered step is told in the header and stands at a line', () => {
  assert.deepEqual(checkSteps(sources), [])
})

test('checkLayers() reports an import that points up, also a type, an alias and an import()', () => {
  const lower = 'export const x = 1\n'
  for (const line of [
    "import { x } from '../arena/words.ts'",
    "import type { X } from '../arena/words.ts'",
    "export { x } from '../arena/words.ts'",
    "export * from '../arena/words.ts'",
    "import {\n  x, // from '../contract/errors.ts'\n} from '../arena/words.ts'",
    "import '../arena/words.ts'",
    "import { x } from '#words'",
    "type X = typeof import('../arena/words.ts')",
    "await import('../arena/words.ts')",
  ])
    assert.deepEqual(
      checkLayers(files({ 'src/os/x.ts': line, 'src/arena/words.ts': lower })),
      ['src/os/x.ts imports arena: os may import contract'],
      line,
    )
})

test('checkLayers() lets imports pass that point down, or that are only spoken of', () => {
  assert.deepEqual(
    checkLayers(
      files({
        'src/contract/errors.ts': 'export class E {}\n',
        'src/arena/words.ts': "import { E } from '../contract/errors.ts'\nimport fs from 'node:fs'\nexport { E, fs }\n",
        'src/os/libc.ts':
          "// import { x } from '../arena/words.ts'\nimport koffi from 'koffi'\nexport const text = `\x24{koffi} // from '../arena/words.ts'`\n",
        'src/process/bootstrap.ts': "await import('../handles.ts')\n",
        'src/handles.ts': "import './arena/words.ts'\n",
        'src/index.ts': "import './handles.ts'\nexport { E } from './contract/errors.ts'\n",
      }),
    ),
    [],
  )
})

test('checkLayers() reports what else a tree may not have', () => {
  const report = (texts: Record<string, string>) => checkLayers(files(texts)).join('\n')
  assert.match(
    report({ 'src/arena/a.ts': "import './b.ts'", 'src/arena/b.ts': "import './a.ts'" }),
    /^import cycle: .*a\.ts → .*b\.ts → .*a\.ts$/,
  )
  assert.equal(report({ 'src/arena/a.ts': "import type {} from './b.ts'", 'src/arena/b.ts': "import './a.ts'" }), '')
  assert.match(report({ 'src/arena/long.ts': '\n'.repeat(501) }), /^src\/arena\/long\.ts has 501 lines/)
  assert.equal(report({ 'src/arena/long.ts': '\n'.repeat(500) }), '')
  assert.match(report({ 'src/arena/utils/a.ts': '' }), /'utils' names nothing/)
  assert.match(report({ 'src/arena/helpers.ts': '' }), /'helpers\.ts' names nothing/)
  assert.match(report({ 'src/data/a.ts': '' }), /^src\/data\/a\.ts is in no layer/)
  assert.match(report({ 'src/extra.ts': '' }), /^src\/extra\.ts is in no layer/)
  assert.match(
    report({ 'src/arena/a.ts': "import koffi from 'koffi'" }),
    /^src\/arena\/a\.ts:1 imports the package koffi: only os may$/,
  )
  assert.match(report({ 'src/arena/a.ts': "import _ from 'lodash'" }), /imports the package lodash: no layer may$/)
  assert.match(
    report({ 'src/arena/a.ts': 'Atomics.load(words, 0)' }),
    /a\.ts:1 uses Atomics: only src\/arena\/words\.ts may/,
  )
  assert.equal(report({ 'src/arena/words.ts': 'Atomics.load(words, 0)' }), '')
  assert.match(report({ 'src/arena/a.ts': "import './gone.ts'" }), /there is no src\/arena\/gone\.ts$/)
  assert.match(
    report({ 'src/process/a.ts': "import '../handles.ts'", 'src/handles.ts': '' }),
    /^src\/process\/a\.ts imports handles/,
  )
})

test('importsOf() is not led astray by strings, templates and regular expressions', () => {
  const text = [
    'const r = /[\'"`/*]/g',
    'const t = `a \x24{ `b // \x24{1}` } /* c`',
    "import { y } from './y.ts' // from './z.ts'",
  ].join('\n')
  assert.deepEqual(importsOf(text), [{ from: './y.ts', line: 3, kind: 'static' }])
  assert.deepEqual(splitComments(text).comments, [{ text: "// from './z.ts'", line: 3, block: false }])
})

const lock = `/**
 * A lock.   FREE ──[A1]──▶ HELD ──[R1]──▶ FREE
 */
export function acquire() {
  cas() // [A1] publishes nothing; pairs with [R1] in release
}
export function release() {
  // [R1] pairs with [A1]
  store()
}
`

test('checkSteps() lets a file pass whose header and lines agree', () => {
  assert.deepEqual(checkSteps(files({ 'src/sync/lock.ts': lock })), [])
  const queue = '/**\n * Ends as [R1] in lock.ts does: [P1].\n */\n// [P1] pairs with [A1] in lock.ts\n'
  assert.deepEqual(checkSteps(files({ 'src/sync/lock.ts': lock, 'src/channel/queue.ts': queue })), [])
})

test('checkSteps() reports a step that only the header, only a line, or only a partner knows', () => {
  const report = (text: string, more = {}) => checkSteps(files({ 'src/sync/lock.ts': text, ...more })).join('\n')
  assert.match(
    report(lock.replace('// [R1] pairs with', '// pairs with')),
    /lock\.ts:2 \[R1\] is in the header, but no line/,
  )
  assert.match(
    report(lock.replace('[A1]──▶', '[A2]──▶')),
    /lock\.ts:2 \[A2\] is in the header[\s\S]*lock\.ts:5 \[A1\] marks a line, but the header/,
  )
  assert.match(
    report(lock.replace('pairs with [A1]', 'pairs with [A7]')),
    /lock\.ts:8 pairs with \[A7\], which is not in this file/,
  )
  assert.match(
    report(lock.replace('pairs with [A1]', 'pairs with [A1] in queue.ts')),
    /\[A1\], which is not in queue\.ts/,
  )
})
