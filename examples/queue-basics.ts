// Shows: a queue with room for two: what full and empty mean, and a process at the other end.
// Try: another maxsize; put() in the place of putNowait(), which waits for room (for ever, as long as nobody takes).
// Without it: a producer that is quicker than its consumer fills the memory with what nobody has taken yet.
import { EmptyError, FullError, isMainProcess, Process, Queue, TimeoutError } from 'multiproc'

/** Runs in a process of its own: the queues are the same ones. */
export async function shout(words: Queue<string>, answers: Queue<string>): Promise<void> {
  for (let i = 0; i < 3; i++) await answers.put((await words.get()).toUpperCase())
}

async function main(): Promise<void> {
  const words = new Queue<string>(2)
  const answers = new Queue<string>()

  words.putNowait('one')
  words.putNowait('two')
  console.log(`${words.qsize()} of ${words.maxsize}, full: ${words.full()}, empty: ${words.empty()}`)
  try {
    words.putNowait('three')
  } catch (error) {
    console.log('putNowait:', error instanceof FullError ? 'full' : error)
  }
  try {
    await words.put('three', { timeout: 50 })
  } catch (error) {
    console.log('put for 50 ms:', error instanceof TimeoutError ? 'no room in time' : error)
  }

  const child = new Process({ target: shout, args: [words, answers] })
  child.start()
  await words.put('three') // waits until the child has taken one
  for (let i = 0; i < 3; i++) console.log('answer:', await answers.get())
  await child.join()

  try {
    answers.getNowait()
  } catch (error) {
    console.log('getNowait:', error instanceof EmptyError ? 'empty' : error)
  }
}

if (isMainProcess) await main()
