/**
 * A number that Python gets as a float even where it is whole: `1.0`, not `1`.
 *
 * JavaScript has one type of number, Python has two. A whole number from -(2**53 - 1) to 2**53 - 1 goes as an `int`,
 * every other number (0.5, -0, 1e300, NaN) as a `float`. A float arrives as a number; with `exactFloats` a whole one
 * arrives as a PyFloat, so that it can go back as it was.
 *
 * @example
 * const third = new PyFloat(3)
 * assert.equal(third.value / 2, 1.5)
 * assert.equal(loads(dumps(third)), 3)
 * assert.deepEqual(loads(dumps(third), { exactFloats: true }), third)
 */
export class PyFloat {
  readonly value: number

  constructor(value: number) {
    this.value = Number(value)
  }

  valueOf(): number {
    return this.value
  }

  toJSON(): number {
    return this.value
  }
}
