// The CPythons of this machine, for tests with one on the other side: python3, and those of pyenv.
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { findExecutable } from './children.ts'

export interface Python {
  readonly executable: string
  /** As in '3.13'. */
  readonly name: string
  /** 313 for 3.13. */
  readonly version: number
}

function versionOf(executable: string): Python | undefined {
  try {
    const asked = ['-c', 'import sys; print(sys.implementation.name, *sys.version_info[:2])']
    const [name, major, minor] = execFileSync(executable, asked, { encoding: 'utf8', timeout: 60_000 })
      .trim()
      .split(' ')
    return name === 'cpython'
      ? { executable, name: `${major}.${minor}`, version: Number(major) * 100 + Number(minor) }
      : undefined
  } catch {
    return undefined // a broken one, or a shim without a version behind it
  }
}

function executables(): string[] {
  const versions = path.join(process.env.PYENV_ROOT ?? path.join(process.env.HOME ?? '/', '.pyenv'), 'versions')
  let folders: string[] = []
  try {
    folders = readdirSync(versions)
  } catch {
    // no pyenv
  }
  const first = findExecutable('python3')
  return [...(first === null ? [] : [first]), ...folders.map(folder => path.join(versions, folder, 'bin/python3'))]
}

/** One of each version from 3.8 on, the oldest first; none: such a test is then skipped and says so. */
export const pythons: readonly Python[] = executables()
  .map(versionOf)
  .filter((found): found is Python => found !== undefined && found.version >= 308)
  .filter((found, i, all) => all.findIndex(({ version }) => version === found.version) === i)
  .sort((a, b) => a.version - b.version)
