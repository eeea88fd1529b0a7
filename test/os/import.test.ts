import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

test('importing every file of os loads no native code', () => {
  const folder = new URL('../../../build/src/os/', import.meta.url)
  const files = readdirSync(fileURLToPath(folder)).filter(name => name.endsWith('.js'))
  assert.ok(files.length >= 15)
  const program = `
    for (const file of ${JSON.stringify(files.map(name => new URL(name, folder).href))}) await import(file)
    const { readFileSync } = await import('node:fs')
    const loaded = () => readFileSync('/proc/self/maps', 'utf8').includes('koffi')
    const before = loaded()
    const { threadId } = await import(${JSON.stringify(new URL('thread.js', folder).href)})
    threadId()
    console.log(before, loaded())`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 60_000 })
  assert.equal(output.toString().trim(), 'false true')
})
