/**
 * What worker threads that founded a session of their own left mapped: the end of a thread unmaps nothing, and neither
 * the thread itself (the kernel still looks into that memory when it ends) nor anybody who watches it could.
 */
import { fstatSync, readdirSync, readlinkSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { libc } from './libc.ts'
import { mappingsOf } from './maps.ts'

const MEMORY = '/memfd:multiproc (deleted)'

/**
 * Unmaps the memory of sessions whose descriptor is closed: Node closes it with the thread that founded the session, after
 * the last of its JavaScript and that of its threads. For the next one that founds one in a worker thread.
 */
export function unmapOrphans(): void {
  if (isMainThread) return
  const orphans = mappingsOf(MEMORY)
  if (orphans.length === 0) return
  const open = openInodes()
  for (const { address, length, inode } of orphans) if (!open.has(inode)) libc().munmap(address, length)
}

function openInodes(): Set<number> {
  const inodes = new Set<number>()
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) === MEMORY) inodes.add(fstatSync(fd).ino)
    } catch {
      // closed meanwhile
    }
  }
  return inodes
}
