/** The functions that a pool runs: each is described once, and a number stands for it from then on. */
import type { PackedValue, TaskBoard } from '../channel/task-board.ts'
import { type ResolvedTarget, resolveTarget, type Target } from '../process/target.ts'

export interface Callee {
  readonly id: number
  readonly name: string
  readonly target: ResolvedTarget
  /** Where workers read what it is; laid down when it is first needed. */
  definition: PackedValue | undefined
}

export class Callees {
  readonly #byTarget = new WeakMap<ResolvedTarget, Callee>()
  readonly #byName = new Map<string, Callee>()
  readonly #all: Callee[] = []

  /** @throws {InvalidTargetError} when another process could not find it */
  of(fn: Target): Callee {
    const target = resolveTarget(fn)
    const known = this.#byTarget.get(target)
    if (known !== undefined) return known
    const key = JSON.stringify([target.module, target.name, target.source])
    let callee = this.#byName.get(key)
    if (callee === undefined) {
      callee = { id: this.#all.length, name: target.name, target, definition: undefined }
      this.#all.push(callee)
      this.#byName.set(key, callee)
    }
    this.#byTarget.set(target, callee)
    return callee
  }

  /** Where workers read what it is. */
  definitionOf(callee: Callee, board: TaskBoard): number {
    callee.definition ??= board.keep(callee.target)
    return callee.definition.low
  }

  /** No worker is left to read them. */
  discard(board: TaskBoard): void {
    for (const callee of this.#all) {
      if (callee.definition !== undefined) board.discard(callee.definition)
      callee.definition = undefined
    }
  }
}
