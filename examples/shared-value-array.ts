// Shows: a number and an array in shared memory: what a child writes, the parent reads, and nothing is sent.
// Try: hand the child a plain array beside them: that is copied, and what the child does to it is seen by nobody.
// Without it: the child's results would have to be sent back, and put in their place here.
import { isMainProcess, Process, SharedArray, type SharedArrayOf, Value } from 'multiproc'

export function work(pi: Value<'d'>, numbers: SharedArrayOf<'i'>): void {
  pi.value = Math.PI
  for (let i = 0; i < numbers.length; i++) numbers[i] = -numbers[i]
}

async function main(): Promise<void> {
  const pi = new Value('d', 0)
  const numbers = new SharedArray('i', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const child = new Process({ target: work, args: [pi, numbers] })
  child.start()
  await child.join()
  console.log('π:', pi.value)
  console.log('negated:', numbers.join(' '))

  // four ways to begin
  const zeros = new SharedArray('i', 4)
  const listed = new SharedArray('d', [0.5, 1.5, 2.5])
  const squares = new SharedArray(
    'H',
    Array.from({ length: 5 }, (_, i) => i * i),
  )
  const copied = new SharedArray(
    'f',
    Float32Array.of(1.25, 2.5).map(x => x * 2),
  )
  console.log('a size:', zeros.join(' '))
  console.log('a list:', listed.join(' '))
  console.log('computed:', squares.join(' '))
  console.log('a typed array:', copied.join(' '))
  console.log(
    'it is one:',
    listed instanceof Float64Array,
    '— sum:',
    listed.reduce((a, b) => a + b),
  )
}

if (isMainProcess) await main()
