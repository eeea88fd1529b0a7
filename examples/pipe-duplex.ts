// Shows: a pipe in both directions: a talker asks, the child answers, until it is told goodbye.
// Try: let the child ask something back before it answers. Kill it between two questions: recv() rejects with EOFError.
// Without it: two pipes, one for each direction, and four ends to keep apart.
import { type Connection, isMainProcess, Pipe, Process } from 'multiproc'

interface Question {
  text: string
}
interface Answer {
  words: number
  reversed: string
}

export async function answer(parent: Connection<Answer, Question>): Promise<void> {
  for await (const { text } of parent) {
    if (text === 'goodbye') return
    await parent.send({ words: text.split(' ').length, reversed: [...text].reverse().join('') })
  }
}

async function main(): Promise<void> {
  const [talker, other] = Pipe<Question, Answer>()
  const child = new Process({ target: answer, args: [other] })
  child.start()
  other.close()

  for (const text of ['hello there', 'was it a car', 'three words here']) {
    await talker.send({ text })
    const { words, reversed } = await talker.recv()
    console.log(`${text}: ${words} words, backwards: ${reversed}`)
  }
  await talker.send({ text: 'goodbye' })
  await child.join()
  console.log('child ended with', child.exitCode)
}

if (isMainProcess) await main()
