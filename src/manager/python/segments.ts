/** Blocks of shared memory that a server answers for: it removes those that are left when it is shut down. */
import { ArgumentTypeError } from '../../contract/errors.ts'
import { describe } from '../../contract/options.ts'
import { fileNameOf, unlinkNamed } from '../../os/shared-file.ts'

export class Segments {
  readonly #names = new Set<string>()

  serve(name: 'track_segment' | 'release_segment' | 'list_segments', [segment]: readonly unknown[]): unknown {
    if (name === 'list_segments') return [...this.#names]
    if (typeof segment !== 'string' || !/^\/?[^/\0]+$/.test(segment)) {
      throw new ArgumentTypeError(`Expected the name of shared memory, got ${describe(segment)}`)
    }
    if (name === 'track_segment') this.#names.add(segment)
    else if (this.#names.delete(segment)) unlinkNamed(fileNameOf(segment))
    return null
  }

  /** Removes all of them. */
  unlink(): void {
    for (const name of this.#names) unlinkNamed(fileNameOf(name))
    this.#names.clear()
  }
}
