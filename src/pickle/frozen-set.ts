/**
 * A Set that Python gets as a frozenset, and what a frozenset arrives as.
 *
 * Python tells it from a set: only a frozenset can be the key of a dict or an item of a set. Here nothing stops you from
 * changing it.
 *
 * @example
 * const back = loads(dumps(new FrozenSet([1, 2])))
 * assert.ok(back instanceof FrozenSet && back.has(2))
 */
export class FrozenSet<T = unknown> extends Set<T> {}
