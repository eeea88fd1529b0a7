// Every snippet of README.md, docs/ and the doc comments runs as pasted; and the tool that runs them sees what is wrong with one.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  allSnippets,
  examplesOf,
  importsFor,
  prepareSnippets,
  publicNames,
  runSnippet,
  snippetsOf,
} from '../../tools/run-snippets.ts'
import { checkout, until } from '../support/children.ts'
import { isAlive } from '../support/processes.ts'

const snippets = allSnippets(checkout)

describe('every snippet runs', () => {
  let prepared: ReturnType<typeof prepareSnippets>
  before(() => {
    prepared = prepareSnippets(checkout, snippets)
  })
  for (const { document, line } of snippets)
    test(`${document}:${line}`, async () => {
      const { ok, report } = await runSnippet(prepared.get(`${document}:${line}`)!)
      assert.ok(ok, report)
    })
})

describe('run-snippets', () => {
  // a checkout in small: its package is a stand-in of one line, so these tests need no part of the library
  const root = mkdtempSync(path.join(checkout, 'build/snippets-control-'))
  before(() => {
    const write = (file: string, text: string) => {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
      writeFileSync(path.join(root, file), text)
    }
    write('package.json', JSON.stringify({ name: 'multiproc', type: 'module', exports: './index.js' }))
    write('index.js', 'export class Queue {}\n')
    write('index.d.ts', 'export declare class Queue<T> { declare private item: T }\n')
    write(
      'src/index.ts',
      'export { Queue } from "./queue.ts"\nexport type { QueueOptions } from "./queue.ts"\nexport * from "./errors.ts"\n',
    )
    write('src/errors.ts', 'export class EmptyError extends Error {}\nexport interface Why {}\n')
    write('tsconfig.json', JSON.stringify({ extends: '../../tsconfig.json' }))
    symlinkSync(path.join(checkout, 'node_modules'), path.join(root, 'node_modules'))
  })
  after(() => rmSync(root, { recursive: true, force: true }))

  const outcomes = async (markdown: string, ms?: number) => {
    const prepared = prepareSnippets(root, snippetsOf(markdown, 'README.md'))
    const found = []
    for (const snippet of prepared.values()) found.push(await runSnippet(snippet, ms))
    return found
  }
  const block = (info: string, ...lines: string[]) => [`\`\`\`${info}`, ...lines, '```', ''].join('\n')

  test('a block that works passes, one that throws, exits with 1 or does not compile is reported with its line', async () => {
    const [fine, throws, exits, wrongType] = await outcomes(
      block('ts', "import { Queue } from 'multiproc'", 'const queue: Queue<number> = new Queue()', 'void queue') +
        block('js', 'throw new Error("as it should")') +
        block('js', 'process.exit(1)') +
        block('ts', 'let a = 1', 'a = "one"'),
    )
    assert.deepEqual(fine, { ok: true, report: '' })
    assert.match(throws.report, /exit code 1\n[\s\S]*as it should/)
    assert.equal(exits.ok, false)
    assert.match(wrongType.report, /^README\.md:\d+ error TS2322/)
    assert.match(wrongType.report, /^README\.md:14 /, 'the line of the wrong assignment in the document')
  })

  test('no-run is checked and not run; other languages are left alone', async () => {
    const [typed, parsed, wrong, ...none] = await outcomes(
      block('ts no-run', 'process.exit(1)') +
        block('js no-run', 'process.exit(1)') +
        block('js no-run', 'let let') +
        block('sh', 'exit 1') +
        block('', 'exit 1'),
    )
    assert.deepEqual([typed.ok, parsed.ok, wrong.ok, none], [true, true, false, []])
    assert.match(wrong.report, /SyntaxError/)
  })

  test('a block named by // file: lies beside the others of its document; main.* is run too', async () => {
    const found = await outcomes(
      block('js', '// file: main.mjs', "import { two } from './worker.mjs'", 'if (two !== 2) throw new Error()') +
        block('js', '// file: worker.mjs', 'export const two = 2') +
        block(
          'ts',
          "const { two } = await import(new URL('./worker.mjs', import.meta.url).href)",
          'if (two !== 2) throw new Error()',
        ) +
        block('js', '// file: worker.mjs', 'export const two = 3') +
        block('js', "import { two } from './worker.mjs'", 'if (two !== 3) throw new Error()'),
    )
    assert.deepEqual(
      found.map(({ report }) => report),
      ['', '', '', '', ''],
    )
  })

  test('a block that does not end is killed with what it started', async () => {
    const endless = block(
      'js',
      "import { spawn } from 'node:child_process'",
      "const child = spawn('sleep', ['60'])",
      "console.log('pid', child.pid)",
      'setInterval(() => {}, 1000)',
    )
    let grandchild = 0
    // on a machine with much else to do it may not get that far at first
    for (let ms = 1000; grandchild === 0 && ms < 60_000; ms *= 3) {
      const [{ ok, report }] = await outcomes(endless, ms)
      assert.equal(ok, false)
      assert.match(report, new RegExp(`^still running after ${ms} ms`))
      grandchild = Number(/pid (\d+)/.exec(report)?.[1] ?? 0)
    }
    assert.ok(grandchild > 0)
    await until(() => !isAlive(grandchild), 60_000) // killed; whoever adopted it has to reap it
  })

  test('an @example is taken from its doc comment and gets what it uses imported', () => {
    const source = [
      '/**',
      ' * Takes the oldest item.',
      ' *',
      ' * @throws {TimeoutError}',
      ' * @example',
      ' * const queue = new Queue<number>()',
      ' * assert.equal(await queue.get(), 7)',
      ' *',
      ' * @see put',
      ' */',
      '// @example not this one',
      "const text = '/** @example */'",
    ].join('\n')
    const [example, ...more] = examplesOf(source, 'src/channel/queue.ts')
    assert.deepEqual(more, [])
    assert.equal(example.line, 6)
    assert.equal(example.code, 'const queue = new Queue<number>()\nassert.equal(await queue.get(), 7)\n')
    assert.equal(
      importsFor(example.code, ['Queue', 'Lock', 'queue']),
      "import assert from 'node:assert/strict'; import { Queue } from 'multiproc';",
    )
    assert.equal(
      importsFor("import { Lock as L, Queue } from 'multiproc'\nnew Queue()\n// Event\n'Event'", ['Queue', 'Event']),
      '',
    )
    assert.deepEqual(publicNames(root), ['Queue', 'QueueOptions', 'EmptyError', 'Why'])
    assert.equal(importsFor('queue.wait({ Lock: 1 })', ['wait', 'Lock']), '')
  })
})
