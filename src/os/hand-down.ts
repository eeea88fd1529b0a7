/**
 * Descriptors among the arguments of a child: noted while the arguments are packed, given to the child as its own, taken
 * from there while they are unpacked.
 *
 * The kernel hands them on when the child is made (or, to a thread, a copy is made at that moment). So the parent may close
 * its own as soon as start() has returned, and nobody else ever has one of them.
 */

/** Where those of a child that is a process of its own begin, one after the other. */
export const FIRST_INHERITED = 4

/** What the arguments of one child need. */
export interface HandedDown {
  readonly fds: number[]
  /** Objects of the operating system are among them: the child must know their classes. */
  used: boolean
}

let collecting: HandedDown | undefined

/** Packs the arguments of a child; `fds` are those that stand for what was found in them. */
export function collectHandedDown<T>(pack: () => T): { packed: T; handedDown: HandedDown } {
  const outer = collecting
  const handedDown: HandedDown = { fds: [], used: false }
  collecting = handedDown
  try {
    return { packed: pack(), handedDown }
  } finally {
    collecting = outer
  }
}

/** Notes that an object travels to a child; undefined when no child is being started. */
export function handDown(): HandedDown | undefined {
  if (collecting !== undefined) collecting.used = true
  return collecting
}

let inherited: readonly number[] = []

/** In the child, before its arguments are unpacked. */
export function inherit(fds: readonly number[]): void {
  inherited = fds
}

/** The descriptor of that number. It is closed with `closeFd`. */
export function inheritedFd(number: number): number {
  return inherited[number]
}
