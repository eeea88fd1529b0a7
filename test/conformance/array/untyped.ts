// Arrays of what only the run knows.
import type { Implementation } from '../implementation.ts'

/** An array of what only the run knows. */
export const untyped = async (make: Implementation, ...given: unknown[]): Promise<any> => (make.array as any)(...given)
