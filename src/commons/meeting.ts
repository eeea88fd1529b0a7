/**
 * How programs that did not start each other find one memory: the commons, one for each user and memory layout.
 *
 *   nobody's ──[G1] found──▶ known by its members' names ──the last member ends──▶ gone, with its memory
 *                                  │    ▲
 *                                  └────┘ [G2] enter
 *
 * The memory has no name; its members have. Each takes one in the kernel's abstract namespace, `….<pid>.<inode>.<thread>`,
 * which says where to find it: process pid holds a descriptor of the file with that inode. A name is gone with its thread,
 * and so is all else: nothing is ever left behind.
 *
 * Only one at a time looks for the commons, and founds it if there is none: whoever has the name `….door`. Without that two
 * who look at the same moment would each found one, and one who enters could find the last member gone in between.
 *
 * Who may enter: names can be taken by every user of the machine, so they prove nothing. What is found counts: the process
 * belongs to this user, it lets itself be looked into (the kernel asks for the same user here), and the file belongs to this
 * user and is one of ours by name, inode and magic number.
 *
 * If a process dies, or a thread is terminated
 *   with the door       the kernel gives the name back: the next one looks.
 *   before it has its   what it founded [G1] nobody knows, and ends with it; where it entered [G2] it is dead, and
 *   own name            whoever comes next recovers it.
 *   after               its name is gone. If it was the last the memory is gone, too.
 */
import { constants as fsConstants, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import path from 'node:path'
import { threadId } from 'node:worker_threads'
import { MAGIC } from '../arena/layout.ts'
import { nameOf } from '../arena/participants.ts'
import { joinedSession, Session } from '../arena/session.ts'
import { MultiprocError } from '../contract/errors.ts'
import { namesTaken, takeName } from '../os/abstract-name.ts'
import { nodeCrypto } from '../os/crypto.ts'
import { closeFd, openForThread } from '../os/descriptor.ts'
import { unmapOrphans } from '../os/orphans.ts'
import { requirePlatform } from '../os/platform.ts'

const FILE = 'multiproc-commons'
/** How often the list of names is read before it is believed that there is none: it may lose one while others change it. */
const LOOKS = 3

/** MULTIPROC_COMMONS divides a user's programs: those with the same text in it meet. */
function prefix(): string {
  const scope = process.env.MULTIPROC_COMMONS ?? ''
  const text = scope === '' ? '' : `.${nodeCrypto().createHash('sha256').update(scope).digest('hex').slice(0, 16)}`
  return `multiproc.${(MAGIC >>> 0).toString(16)}.${process.geteuid?.()}${text}.`
}

export const doorName = (): string => `${prefix()}door`

/** This thread's place in the commons; undefined: somebody else is at the door. Waits for nobody. */
export function tryMeet(): Session | undefined {
  requirePlatform()
  const door = takeName(doorName())
  if (door === undefined) return undefined
  try {
    unmapOrphans(FILE)
    const session = enter() ?? found()
    takeName(`${prefix()}${process.pid}.${inodeOf(session)}.${threadId}`)
    return session
  } finally {
    door.giveBack()
  }
}

function found(): Session {
  return Session.found(ownName(), FILE) // [G1]
}

function enter(): Session | undefined {
  for (let look = 0; look < LOOKS; look++) {
    for (const { pid, inode } of members()) {
      const fd = openMemory(pid, inode)
      if (fd === undefined) continue
      try {
        return Session.enter(fd, ownName()) // [G2]
      } catch (error) {
        closeFd(fd)
        throw error
      }
    }
  }
  return undefined
}

const inodeOf = (session: Session): number => statSync(`/proc/self/fd/${session.fd}`).ino

/** All that say they are members, in an order that is the same for everybody. */
function members(): { pid: number; inode: number }[] {
  const start = prefix()
  const found: { pid: number; inode: number }[] = []
  for (const name of namesTaken(start)) {
    const [, pid, inode] = /^(\d+)\.(\d+)\.\d+$/.exec(name.slice(start.length)) ?? []
    if (pid !== undefined) found.push({ pid: Number(pid), inode: Number(inode) })
  }
  return found.sort((a, b) => a.inode - b.inode || a.pid - b.pid)
}

/** A descriptor of the commons that the process holds; undefined when it does not, or is not one of this user's. */
function openMemory(pid: number, inode: number): number | undefined {
  const folder = `/proc/${pid}/fd`
  let fds: string[]
  try {
    fds = readdirSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if ((code === 'EACCES' || code === 'EPERM') && isOurs(pid)) throw hidden(pid)
    return undefined // it ended, or is somebody else's
  }
  for (const name of fds) {
    const file = `${folder}/${name}`
    try {
      if (!readlinkSync(file).startsWith(`/memfd:${FILE}`) || !isMemory(file, inode)) continue
      const fd = openForThread(file, fsConstants.O_RDWR)
      if (isMemory(`/proc/self/fd/${fd}`, inode)) return fd
      closeFd(fd)
    } catch {
      // it ended, or closed it, or it is somebody else's
    }
  }
  return undefined
}

function isMemory(file: string, inode: number): boolean {
  const { ino, uid } = statSync(file)
  return ino === inode && uid === process.geteuid?.()
}

/** Every user may read this of every process. */
function isOurs(pid: number): boolean {
  try {
    const [, uid] = /^Uid:\t\d+\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(uid) === process.geteuid?.()
  } catch {
    return false
  }
}

/** To found a second commons beside it would be worse. */
function hidden(pid: number): MultiprocError {
  return new MultiprocError(
    `Expected to reach what process ${pid} shares by name, but the kernel does not let this process look into it; ` +
      'one of the two has capabilities or limits that the other has not: start both in the same way',
  )
}

/** A main program is called by its file: in the commons there are many. */
function ownName(): string {
  const own = joinedSession()
  const name = own && nameOf(own.w, own.slot)
  return name === undefined || name === 'MainProcess' ? path.basename(process.argv[1] ?? 'node') : name
}
