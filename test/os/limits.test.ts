import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { CgroupPlaces } from '#src/os/cgroup.js'
import { quotaInCpus, usableCpus } from '#src/os/cpu.js'
import { memoryAvailable, parseBytes } from '#src/os/memory.js'

/** A tree of control groups made of plain files; `self` is what /proc/self/cgroup says. */
function cgroups(t: TestContext, self: string, files: Record<string, string>): CgroupPlaces {
  const root = mkdtempSync(join(tmpdir(), 'multiproc-cgroup-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [name, content] of Object.entries({ ...files, self })) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), `${content}\n`)
  }
  return { self: join(root, 'self'), mount: root }
}

test('usableCpus() follows the affinity of the process', t => {
  const program = `console.log((await import(${JSON.stringify(import.meta.resolve('#src/os/cpu.js'))})).usableCpus())`
  let output: Buffer
  try {
    output = execFileSync('taskset', ['-c', '0', process.execPath, '--input-type=module', '-e', program], {
      timeout: 60_000,
    })
  } catch {
    return t.skip('this machine has no taskset, or no processor 0')
  }
  assert.equal(output.toString().trim(), '1')
})

test('usableCpus() sees an affinity that changes later', t => {
  const program = `
    import { execFileSync } from 'node:child_process'
    import { usableCpus } from ${JSON.stringify(import.meta.resolve('#src/os/cpu.js'))}
    const before = usableCpus()
    execFileSync('taskset', ['-a', '-pc', '0', String(process.pid)], { stdio: 'ignore' })
    console.log(before, usableCpus())`
  if (availableParallelism() < 2) return t.skip('this machine has one processor')
  let output: Buffer
  try {
    output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 60_000 })
  } catch {
    return t.skip('this machine has no taskset')
  }
  assert.equal(output.toString().trim(), `${usableCpus()} 1`)
})

test('usableCpus() is between 1 and what the machine has', () => {
  assert.ok(usableCpus() >= 1 && usableCpus() <= availableParallelism())
})

test('quotaInCpus() takes the smallest quota on the way up, rounded up (cgroup 2)', t => {
  const places = cgroups(t, '0::/outer/inner', {
    'outer/inner/cpu.max': '350000 100000',
    'outer/cpu.max': '150000 100000',
    'cpu.max': 'max 100000',
    'sibling/cpu.max': '10000 100000',
  })
  assert.equal(quotaInCpus(places), 2)
})

test('quotaInCpus() finds the container root when the path is the host’s (cgroup 2)', t => {
  const places = cgroups(t, '0::/../../docker/abc', {
    'sys/fs/cpu.max': '350000 100000',
    'docker/abc/cpu.max': '50000 100000', // outside the mount: not ours
  })
  assert.equal(quotaInCpus({ ...places, mount: join(places.mount, 'sys/fs') }), 4)
})

test('quotaInCpus() reads quota and period (cgroup 1)', t => {
  const places = cgroups(t, '4:cpu,cpuacct:/box\n0::/', {
    'cpu,cpuacct/box/cpu.cfs_quota_us': '250000',
    'cpu,cpuacct/box/cpu.cfs_period_us': '100000',
    'cpu,cpuacct/cpu.cfs_quota_us': '-1',
    'cpu,cpuacct/cpu.cfs_period_us': '100000',
  })
  assert.equal(quotaInCpus(places), 3)
})

test('quotaInCpus() and memoryAvailable() without control groups, or with nonsense in them, see no limit', t => {
  const none = { self: '/nonexistent/self', mount: '/nonexistent' }
  const nonsense = cgroups(t, 'what\n\n0::', { 'cpu.max': '', 'memory.max': 'lots' })
  for (const places of [none, nonsense]) {
    assert.equal(quotaInCpus(places), Number.POSITIVE_INFINITY)
    assert.equal(memoryAvailable(places), totalmem())
  }
})

test('memoryAvailable() takes the smallest limit on the way up, at most what the machine has', t => {
  const v2 = { 'a/b/memory.max': 'max', 'a/memory.max': '1048576', 'memory.max': '2097152' }
  assert.equal(memoryAvailable(cgroups(t, '0::/a/b', v2)), 1048576)
  const v1 = { 'memory/a/memory.limit_in_bytes': '524288', 'memory/memory.limit_in_bytes': '9223372036854771712' }
  assert.equal(memoryAvailable(cgroups(t, '4:memory:/a', v1)), 524288)
  assert.equal(memoryAvailable(cgroups(t, '0::/', { 'memory.max': '9223372036854771712' })), totalmem())
  assert.ok(memoryAvailable() > 0 && memoryAvailable() <= totalmem())
})

test('parseBytes() reads sizes as people write them', () => {
  const sizes: Record<string, number> = {
    '1073741824': 2 ** 30,
    '512m': 2 ** 29,
    '2g': 2 ** 31,
    '2G': 2 ** 31,
    '1.5 GiB': 1.5 * 2 ** 30,
    '64kb': 2 ** 16,
    '1t': 2 ** 40,
    '0': 0,
  }
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseBytes(text), bytes, text)
})

test('parseBytes() of anything else says what a size looks like', () => {
  for (const text of ['', 'm', '-1', '1e9', '2gg', '0x10', 'NaN', '1 2', '99999999t']) {
    assert.throws(() => parseBytes(text), {
      name: 'ArgumentRangeError',
      message: /512m, 2g or 1073741824 .*MULTIPROC_MEMORY_LIMIT.*, got "/,
    })
  }
})
