/** Makes nothing: a class that extends it adds its private fields to the object that it is given. */
export class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the whole purpose
    return object
  }
}
