export const load = (w: Int32Array, i: number): number => Atomics.load(w, i)
