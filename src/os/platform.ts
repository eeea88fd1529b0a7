/** Refuse early and clearly where this cannot work. */
import { readdirSync } from 'node:fs'
import { UnsupportedPlatformError } from '../contract/errors.ts'

/** What the decision is made from; tests bring their own. */
export interface PlatformFacts {
  platform: string
  arch: string
  /** The version of Electron, when this is one. */
  electron: string | undefined
  /** Whether /proc shows this process its own descriptors. */
  procVisible: boolean
}

let accepted = false

/** Throws UnsupportedPlatformError where shared memory cannot work; costs nothing after the first success. */
export function requirePlatform(facts?: PlatformFacts): void {
  if (facts === undefined && accepted) return
  const problem = problemOf(facts ?? factsOfThisProcess())
  if (problem !== undefined) throw new UnsupportedPlatformError(problem)
  if (facts === undefined) accepted = true
}

function factsOfThisProcess(): PlatformFacts {
  return {
    platform: process.platform,
    arch: process.arch,
    electron: process.versions.electron,
    procVisible: process.platform === 'linux' && canReadOwnDescriptors(),
  }
}

function canReadOwnDescriptors(): boolean {
  try {
    readdirSync('/proc/self/fd')
    return true
  } catch {
    return false
  }
}

function problemOf({ platform, arch, electron, procVisible }: PlatformFacts): string | undefined {
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    return `multiproc's shared memory works on Linux x64 and arm64, and this is ${platform} ${arch}. On other systems run it in a Linux container or virtual machine`
  }
  if (electron !== undefined) {
    return `multiproc's shared memory cannot work inside Electron (this is ${electron}): its V8 forbids memory from outside its own heap. Use it in a plain Node.js process that Electron starts`
  }
  if (!procVisible) {
    return 'multiproc finds the doorbells of other processes through /proc, and /proc/self/fd cannot be read here. Mount it: `mount -t proc proc /proc`'
  }
  return undefined
}
