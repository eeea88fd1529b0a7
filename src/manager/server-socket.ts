/**
 * The file of a server's Unix socket, and the folder that was made for it: removed by who started the server, as that is ended by a
 * signal. When both are killed at the same moment the file stays, and nobody listens there.
 */
import { rmdirSync, unlinkSync } from 'node:fs'
import path from 'node:path'
import type { Process } from '../process/process.ts'
import type { Address } from '../wire/address.ts'

interface SocketFile {
  readonly file: string
  /** Nothing else is in its folder. */
  readonly isAlone: boolean
}

const files = new Map<Process, SocketFile>()
let isExitWatched = false

/** `isAlone`: in a folder of its own. */
export function removeAtExit(address: Address, isAlone: boolean, server: Process): void {
  if (typeof address !== 'string' || address.startsWith('\0')) return
  files.set(server, { file: path.resolve(address), isAlone })
  if (isExitWatched) return
  isExitWatched = true
  process.on('exit', () => {
    for (const server of [...files.keys()]) removeSocket(server)
  })
}

/** The server has ended. */
export function removeSocket(server: Process): void {
  const found = files.get(server)
  if (found === undefined || server.isAlive()) return
  files.delete(server)
  try {
    unlinkSync(found.file)
    if (found.isAlone) rmdirSync(path.dirname(found.file))
  } catch {
    // the server has done it
  }
}
