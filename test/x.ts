import { load } from 'multiproc'
import { load as l2 } from '#src/arena/words.js'
console.log(load === l2, load(new Int32Array(2), 1))
