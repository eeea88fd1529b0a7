/**
 * Where a server listens that was given no address: at a path in a folder of its own, which only this user may enter.
 *
 * Whoever started the server removes both in the end (server-socket.ts). When that one is killed, and the server with it, nobody is left
 * who could: then the next server does. The folder says by its name whose it was; that nobody listens there any more says the kernel.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { closeFd } from '../os/descriptor.ts'
import { signalPid } from '../os/pidfd.ts'
import { connectUnix } from '../os/socket.ts'

const PREFIX = 'multiproc-manager-'
const NAME = 'listener'

/** A fresh path. */
export function ownAddress(): string {
  removeLeftovers()
  return path.join(mkdtempSync(path.join(tmpdir(), `${PREFIX}${process.pid}-`)), NAME)
}

function removeLeftovers(): void {
  try {
    for (const name of readdirSync(tmpdir())) {
      const pid = Number(name.startsWith(PREFIX) ? name.slice(PREFIX.length).split('-')[0] : Number.NaN)
      if (Number.isInteger(pid) && pid > 0) removeIfLeft(path.join(tmpdir(), name), pid)
    }
  } catch {
    // another user's, or another has just done it
  }
}

function removeIfLeft(folder: string, pid: number): void {
  try {
    if (signalPid(pid, 0)) return
    const fd = connectUnix(path.join(folder, NAME))
    if (fd !== undefined) closeFd(fd) // a server of another container, whose processes have other numbers
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ECONNREFUSED') rmSync(folder, { recursive: true, force: true })
  }
}
