// CPython's own tests, Lib/test/_test_multiprocessing.py and test_multiprocessing_main_handling.py, told anew under their names: whole
// programs, those that fail and those that are started in other ways.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { checkout, run } from '../../../support/children.ts'
import type { ProcessSuite } from '../../process.ts'

const main = fileURLToPath(new URL('../../../fixtures/conformance-process-main.js', import.meta.url))

export function failures({ method, test }: ProcessSuite): void {
  const program = (...args: string[]) => run([process.execPath, main, method, ...args])

  test('TestSubclassingProcess.test_stderr_flush — an uncaught error is on stderr whole: name, type, file and line', async () => {
    const { stdout, stderr } = await program('throwInside')
    assert.match(
      stderr,
      /^Process-1 \(pid \d+\) failed:\nRangeError: trouble inside\n {4}at throwInside \(.*conformance-process\.js:\d+:\d+\)/,
    )
    assert.equal(stdout, 'exit code 1\n')
  })

  test('TestSubclassingProcess.test_sys_exit — process.exit() gives its code; what is no whole number is an error, and gives 1', async () => {
    for (const [given, code] of [
      ['0', 0],
      ['1', 1],
      ['8', 8],
      ['undefined', 0],
      ['null', 0],
    ] as const) {
      assert.equal((await program('exitWith', given)).stdout, `exit code ${code}\n`, given)
    }
    const { stdout, stderr } = await program('exitWith', '"ignore this"')
    assert.match(stderr, /ERR_INVALID_ARG_TYPE/)
    assert.equal(stdout, 'exit code 1\n')
  })

  test('TestProcess.test_error_on_stdio_flush_1 — children run when the streams of their parent are closed', async () => {
    assert.equal((await program('writeBoth', 'closed')).code, 0)
  })

  test('TestProcess.test_error_on_stdio_flush_2 — and when the child closes or removes its own', async () => {
    for (const how of ['end', 'destroy', 'undefined', 'null']) {
      // not what the parent prints: it may share a socket that the child has shut down
      assert.equal((await program('withoutStreams', JSON.stringify(how))).code, 0, how)
    }
  })

  test('TestNoForkBomb.test_noforkbomb — a program that forgot isMainProcess fails with a clear error, and does not start itself again', async () => {
    const file = fileURLToPath(new URL('../../../fixtures/conformance-process-unguarded.js', import.meta.url))
    const { code, stdout, stderr } = await run([process.execPath, file, method])
    assert.match(stderr, /Process-1 \(pid \d+\) failed while importing .*unguarded\.js/)
    assert.match(stderr, /put the start behind `if \(isMainProcess\)`/)
    assert.deepEqual([stdout, code], ['exit code 1\n', 0])
  })
}

export function mains({ method, test }: ProcessSuite): void {
  const source = `
    import { Queue, getContext, isMainProcess } from 'multiproc'
    export function square(queue, n) { queue.putSync(n * n) }
    if (isMainProcess) {
      const { Process } = getContext('${method}')
      const queue = new Queue()
      const children = [1, 2, 3].map(n => new Process({ target: square, args: [queue, n] }))
      for (const child of children) child.start()
      for (const child of children) child.joinSync()
      console.log((await queue.getMany(3)).sort().join(' '))
    }`

  const inFolder = async (
    files: Record<string, string>,
    program: (folder: string) => string,
    t: { after(fn: () => void): void },
  ) => {
    const folder = mkdtempSync(path.join(checkout, 'build/main-'))
    t.after(() => rmSync(folder, { recursive: true }))
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
      writeFileSync(path.join(folder, name), text)
    }
    const packages = path.join(folder, 'node_modules')
    mkdirSync(packages, { recursive: true })
    symlinkSync(checkout, path.join(packages, 'multiproc'))
    const { stdout, stderr, code } = await run([process.execPath, program(folder)], { cwd: folder })
    assert.deepEqual([stdout, stderr, code], ['1 4 9\n', '', 0])
  }

  test('MainHandling.test_basic_script — functions of a script file', t =>
    inFolder({ 'script.mjs': source }, folder => path.join(folder, 'script.mjs'), t))

  test('MainHandling.test_basic_script_no_suffix — of one without a suffix, in a package of modules', t =>
    inFolder({ script: source, 'package.json': '{ "type": "module" }' }, folder => path.join(folder, 'script'), t))

  test('MainHandling.test_directory — of the entry of a folder', t =>
    inFolder(
      { 'index.js': source, 'package.json': '{ "type": "module", "main": "index.js" }' },
      folder => path.join(folder, 'index.js'),
      t,
    ))

  test('MainHandling.test_module_in_package — of a module beside others, started through a link', t =>
    inFolder(
      {
        'package.json': '{ "type": "module" }',
        'package/sibling.js': `export const two = 2`,
        'package/main.js': source
          .replace('n * n', 'n ** two')
          .replace('export', `import { two } from './sibling.js'\nexport`),
      },
      folder => {
        symlinkSync(path.join(folder, 'package/main.js'), path.join(folder, 'linked.js'))
        return path.join(folder, 'linked.js')
      },
      t,
    ))

  test('MainHandling.test_package — of a package that is installed', t =>
    inFolder(
      { 'node_modules/squares/index.mjs': source, 'node_modules/squares/package.json': '{ "name": "squares" }' },
      folder => {
        const run = path.join(folder, 'run.mjs')
        writeFileSync(run, `import 'squares/index.mjs'\n`)
        return run
      },
      t,
    ))
}
