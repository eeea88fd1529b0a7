// The other side of child_process.fork(): receives a burst and says what came, or sends back what comes, or says when it was called.
import { kinds, now } from '../messages.ts'

const [what, base64] = process.argv.slice(2)
if (what === 'start') process.send!(now())
let order: { kind: string; n: number } | null = null
let i = 0
let sum = 0

process.on('message', (message: any) => {
  if (what === 'echo') return process.send!(message)
  if (order === null) {
    order = message
    i = sum = 0
    return
  }
  const { check, bytes } = kinds[order.kind]
  sum += check(base64 === 'base64' && bytes >= 1024 ? Buffer.from(message, 'base64') : message, i++)
  if (i === order.n) {
    order = null
    process.send!({ at: now(), count: i, sum })
  }
})
process.on('disconnect', () => process.exit(0))
