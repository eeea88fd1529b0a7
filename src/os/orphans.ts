/**
 * What worker threads that were alone in a session, or in the commons, left mapped: the end of a thread unmaps nothing, and neither
 * the thread itself (the kernel still looks into that memory when it ends) nor anybody who watches it could.
 */
import { fstatSync, readdirSync, readlinkSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { libc } from './libc.ts'
import { mappingsOf } from './maps.ts'

/**
 * Unmaps the memory files of this name that no thread has open: Node closes what a thread had open after the last of its
 * JavaScript and that of its threads. For the next worker thread that founds or enters one of that name; where a thread
 * may come to one that is mapped already, only one at a time.
 */
export function unmapOrphans(name: string): void {
  if (isMainThread) return
  const memory = `/memfd:${name} (deleted)`
  const orphans = mappingsOf(memory)
  if (orphans.length === 0) return
  const open = openInodes(memory)
  for (const { address, length, inode } of orphans) if (!open.has(inode)) libc().munmap(address, length)
}

function openInodes(memory: string): Set<number> {
  const inodes = new Set<number>()
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) === memory) inodes.add(fstatSync(fd).ino)
    } catch {
      // closed meanwhile
    }
  }
  return inodes
}
