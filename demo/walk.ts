/**
 * All regular files under a folder, folder by folder. Symbolic links are never followed, so the walk stays in the tree
 * and cannot run in circles; links, fifos, sockets and devices are reported as skipped, and so are folders that cannot
 * be read or vanish under way.
 *
 * A path here is relative to the folder, and a *byte string*: one character per byte ('latin1'), since a file name on
 * Linux is bytes and need not be UTF-8. `toBytes` gives what the system calls want, `toText` what people read.
 */

import { type Dirent, readdirSync } from 'node:fs'
import { codeOf } from './count.ts'
import { Turns } from './turns.ts'

export type SkippedKind = 'binary' | 'unreadable' | 'vanished' | 'link' | 'special'

export interface Skipped {
  kind: SkippedKind
  path: string
  trouble: string
}

export async function* walk(folder: Buffer, skip: (skipped: Skipped) => void): AsyncGenerator<string> {
  const open = ['']
  const turns = new Turns()
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (turns.due) await turns.take()
    for (const entry of list(folder, at, skip)) {
      const path = at + entry.name
      if (entry.isFile()) yield path
      else if (entry.isDirectory()) open.push(`${path}/`)
      else if (entry.isSymbolicLink()) skip({ kind: 'link', path, trouble: 'not followed' })
      else skip({ kind: 'special', path, trouble: 'not a regular file' })
    }
  }
}

function list(folder: Buffer, at: string, skip: (skipped: Skipped) => void): Dirent[] {
  try {
    // Not the promise: two thread switches for each folder, on a machine whose cores are all counting, starve the workers.
    return readdirSync(toBytes(folder, at), { encoding: 'latin1', withFileTypes: true })
  } catch (error) {
    const trouble = codeOf(error)
    skip({ kind: trouble === 'ENOENT' || trouble === 'ENOTDIR' ? 'vanished' : 'unreadable', path: at || '/', trouble })
    return []
  }
}

/** The absolute path as the system wants it. */
export function toBytes(folder: Buffer, path: string): Buffer {
  return Buffer.concat([folder, Buffer.from(`/${path}`, 'latin1')])
}

/** The path as people read it. */
export function toText(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8')
}
