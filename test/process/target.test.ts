import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import vm from 'node:vm'
import type { Target } from 'multiproc'
import { Process } from 'multiproc'
import { resolveTarget } from '#inside'
import * as common from '../fixtures/process-common.cjs'
import byDefault from '../fixtures/process-default.js'
import * as refused from '../fixtures/process-refused.js'
import { run, runNode } from '../support/children.js'
import { LIMIT } from './support.js'

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
const url = (name: string) => pathToFileURL(fixture(name)).href

const refuses = (target: unknown, message: RegExp) =>
  assert.throws(() => resolveTarget(target as Target), { code: 'ERR_MULTIPROC_INVALID_TARGET', message })

const finds = (target: Target, file: string, name: string) => {
  const found = resolveTarget(target)
  assert.deepEqual({ module: found.module, name: found.name }, { module: url(file), name })
}

test('a function that its module exports is found: declared, arrow, renamed, generator, default', () => {
  finds(refused.work, 'process-refused.js', 'work')
  finds(refused.arrow, 'process-refused.js', 'arrow')
  finds(refused.renamed, 'process-refused.js', 'renamed')
  finds(refused.generator, 'process-refused.js', 'generator')
  finds(refused.default, 'process-refused.js', 'default')
  finds(byDefault, 'process-default.js', 'default')
})

test('a function made elsewhere is found where it is exported', () => {
  finds(refused.wrapped, 'process-refused.js', 'wrapped')
})

test('a function of a CommonJS module is found among its exports', () => {
  const { listed, handOut } = (common as unknown as { default: typeof common & Record<string, () => never> }).default
  finds(listed, 'process-common.cjs', 'listed')
  refuses(handOut(), /unlisted\) is not among the exports of .*process-common\.cjs:\d+ at this moment; assign it/)
})

test('a function that is not exported is refused, with its place and what to write', () => {
  refuses(
    refused.notExported(),
    /\(hidden\) is not exported by its module \(.*process-refused\.js:\d+\); write `export`/,
  )
})

test('an anonymous function is refused', () => {
  refuses(refused.anonymous(), /a function has no name that .*process-refused\.js:\d+ exports it by/)
  refuses(() => 1, /a function has no name/)
})

test('a closure is refused, and what it would leave behind is named', () => {
  refuses(refused.makeClosure(1), /\(hidden\) was made inside makeClosure\(\) .* leave secret behind/)
})

test('a nested function that has the name of an export is refused', () => {
  refuses(refused.makeWork(), /is not the `work` that its module exports, but another one/)
})

test('methods and classes are refused', () => {
  refuses(new refused.Machine().run, /\(run\) is a method .* without its object/)
  refuses(refused.Machine.build, /\(build\) is a method/)
  refuses(refused.Machine, /\(Machine\) is a class, which can only be called with new/)
})

test('bound functions, proxies and functions of the engine are refused', () => {
  refuses(refused.work.bind(null), /was made by bind\(\); give the function itself/)
  refuses(new Proxy(refused.work, {}), /is a Proxy/)
  refuses(Math.max, /\(max\) is one of the engine's own/)
})

test('functions that come from no file are refused', async () => {
  refuses(new Function('return 1'), /was not loaded from a file but made by eval\(\) or new Function\(\)/)
  refuses(vm.runInThisContext('(function v() {})'), /evaluated as evalmachine/)
  refuses((await import('data:text/javascript,export function d() {}' as string)).d, /from a data: URL/)
})

test('a function of node --eval is refused', async () => {
  const { stdout, stderr } = await runNode(
    "import { Process } from 'multiproc'; export function work() {}; " +
      'try { new Process({ target: work }).start() } catch (error) { console.log(error.message) }',
  )
  assert.match(stdout, /\(work\) was not loaded from a file but given to node with --eval/, stderr)
})

test('what is no target at all is refused', () => {
  refuses(null, /Expected `target` to be a function or \{ module, name \}, got null/)
  refuses('work', /got "work" \(string\)/)
  refuses({ name: 'work' }, /got an object/)
})

test('Process of what is no target at all is refused as it is made', () => {
  for (const target of [undefined, null, 5, 'work', {}, []] as any[]) {
    assert.throws(() => new Process({ target }), {
      code: 'ERR_MULTIPROC_ARGUMENT_TYPE',
      message: /Expected `target` to be a function or \{ module, name \}, got /,
    })
  }
})

test('{ module, name } takes a URL, a file: string and an absolute path; the name is default when left out', () => {
  finds({ module: new URL(url('process-refused.js')), name: 'work' }, 'process-refused.js', 'work')
  finds({ module: url('process-refused.js'), name: 'work' }, 'process-refused.js', 'work')
  finds({ module: fixture('process-refused.js') }, 'process-refused.js', 'default')
})

test('{ module } that is relative, bare, or elsewhere than in a file is refused with what to write', () => {
  refuses({ module: './worker.js' }, /write new URL\("\.\/worker\.js", import\.meta\.url\)/)
  refuses({ module: 'worker' }, /write import\.meta\.resolve\("worker"\)/)
  refuses({ module: 'https://example.org/worker.js' }, /a file: URL or an absolute path/)
  refuses({ module: 'node:fs' }, /a file: URL or an absolute path/)
  refuses({ module: 5 }, /got 5 \(number\)/)
})

test('{ module, name } without such a file or such an export is refused at the call', () => {
  refuses(
    { module: path.resolve('/no/such/worker.js') },
    /to be a file that can be read, but \/no\/such\/worker\.js cannot/,
  )
  refuses({ module: fixture('process-refused.js'), name: 'hidden' }, /to export `hidden`, but it exports work, arrow/)
  refuses({ module: fixture('process-refused.js'), name: '' }, /`target.name` to be the name of an export/)
})

test('Process.start() with a refused target starts nothing and may be corrected by a new Process', () => {
  const child = new Process({ target: () => 1 })
  assert.throws(() => child.start(), { code: 'ERR_MULTIPROC_INVALID_TARGET' })
  assert.equal(child.pid, undefined)
  assert.equal(child.isAlive(), false)
})

test('a function found once is found again without asking the debugger', () => {
  assert.equal(resolveTarget(refused.work), resolveTarget(refused.work))
})

test('without an inspector the explicit form still works', { timeout: LIMIT }, async () => {
  const main = `
    process.getBuiltinModule = () => { throw new Error('no inspector') }
    const { resolveTarget } = await import('#inside')
    const { work } = await import(${JSON.stringify(url('process-refused.js'))})
    try { resolveTarget(work) } catch (error) { console.log(error.code, error.message) }
    console.log(resolveTarget({ module: ${JSON.stringify(fixture('process-refused.js'))}, name: 'work' }).name)`
  const { stdout, stderr } = await runNode(main)
  assert.match(stdout, /^ERR_MULTIPROC_INVALID_TARGET .*name the module yourself.*\nwork\n$/, stderr)
})

const [major, minor] = process.versions.node.split('.').map(Number)
const stripsTypes = major > 22 || (major === 22 && minor >= 18)

test('a TypeScript target runs as it is', {
  skip: stripsTypes ? false : 'this Node does not run TypeScript',
}, async () => {
  const source = fileURLToPath(new URL('../../../test/fixtures/process-typed.ts', import.meta.url))
  const { stdout, stderr, code } = await run([process.execPath, source])
  assert.equal(stdout, 'typed 42\nexit code 0\n', stderr)
  assert.equal(code, 0)
})
