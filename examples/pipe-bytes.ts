// Shows: mere bytes through a pipe: a part of a buffer, into a buffer of one's own, and one that is too short.
// Try: recvBytes(2) for a longer message: afterwards this end can no longer receive, as in Python.
// Without it: each message would be packed and unpacked as a value, and copied into a new array each time.
import { BufferTooShortError, type Connection, isMainProcess, Pipe, Process } from 'multiproc'

export async function send(connection: Connection): Promise<void> {
  const alphabet = new TextEncoder().encode('abcdefghijklmnopqrstuvwxyz')
  await connection.sendBytes(alphabet, 3, 4) // defg: 4 bytes from the fourth on
  await connection.sendBytes(alphabet.subarray(0, 5))
  await connection.sendBytes(alphabet)
  await connection.sendBytes(new Uint8Array())
}

async function main(): Promise<void> {
  const [mine, theirs] = Pipe()
  const child = new Process({ target: send, args: [theirs] })
  child.start()
  theirs.close()
  const text = (bytes: Uint8Array) => JSON.stringify(new TextDecoder().decode(bytes))

  console.log('recvBytes:', text(await mine.recvBytes()))

  const buffer = new TextEncoder().encode('..........')
  const count = await mine.recvBytesInto(buffer, 2)
  console.log(`recvBytesInto: ${count} bytes at 2:`, text(buffer))

  try {
    await mine.recvBytesInto(buffer)
  } catch (error) {
    if (!(error instanceof BufferTooShortError)) throw error
    console.log('too short for', error.data.length, 'bytes, which are not lost:', text(error.data))
  }
  console.log('still in step:', text(await mine.recvBytes()))
  await child.join()
}

if (isMainProcess) await main()
