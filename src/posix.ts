/** `multiproc/posix`: the inter-process communication that the operating system itself offers, as other programs see it. */
import path from 'node:path'
import { registerClass } from './codec/register-class.ts'
import { Refusal } from './contract/refusal.ts'
import { type HandedDown, handDown, inheritedFd } from './os/hand-down.ts'
import { MessageQueue, queueOfId } from './posix/message-queue.ts'
import { NamedPipe } from './posix/named-pipe.ts'
import { NamedSemaphore } from './posix/named-semaphore.ts'
import { PipeEnd } from './posix/pipe-end.ts'

export type { SyncWaitOptions, WaitOptions } from './contract/waiting.ts'
export { SystemCallError } from './os/libc.ts'
export type { MessageQueueState } from './os/message-queue.ts'
export type { CreationOptions } from './posix/kernel-errors.ts'
export { MessageQueue } from './posix/message-queue.ts'
export { NamedPipe, type NamedPipeOptions } from './posix/named-pipe.ts'
export { NamedSemaphore, type NamedSemaphoreOptions } from './posix/named-semaphore.ts'
export { pipe } from './posix/pipe.ts'
export { PipeEnd } from './posix/pipe-end.ts'
export { sendSignal, waitForSignal } from './posix/signals.ts'

/** They travel to a child as its arguments, and nowhere else: the child is made at that moment, and loads this module. */
function toChild(what: string, mend: string): HandedDown {
  const handedDown = handDown()
  if (handedDown === undefined) throw new Refusal(`${what}, which only the \`args\` of a Process can carry`, mend)
  return handedDown
}

registerClass(PipeEnd, {
  name: 'multiproc.PipeEnd',
  pack: end => toChild('a PipeEnd', 'give it to the child when it is started, or use Pipe()').fds.push(end.fd) - 1,
  unpack: number => new PipeEnd(inheritedFd(number)),
})

registerClass(MessageQueue, {
  name: 'multiproc.MessageQueue',
  pack: queue => {
    toChild('a MessageQueue', 'send its key, and open it there')
    return queue.id
  },
  unpack: queueOfId,
})

registerClass(NamedPipe as unknown as new () => NamedPipe, {
  name: 'multiproc.NamedPipe',
  pack: fifo => {
    toChild('a NamedPipe', 'send its `path`, and open it there')
    return path.resolve(fifo.path) // its working directory may be another one
  },
  unpack: NamedPipe.open,
})

registerClass(NamedSemaphore, {
  name: 'multiproc.NamedSemaphore',
  pack: semaphore => {
    toChild('a NamedSemaphore', 'send its `name`, and open it there')
    return semaphore.name
  },
  unpack: name => new NamedSemaphore(name),
})
