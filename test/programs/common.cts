// A CommonJS program whose children are functions of its own file.
type Multiproc = typeof import('multiproc', { with: { 'resolution-mode': 'import' }})
type Numbers = InstanceType<typeof Queue<number>>
const { getAllStartMethods, getContext, isMainProcess, Queue }: Multiproc = require('multiproc')

function square(inbox: Numbers, outbox: Numbers): void {
  for (let n = inbox.getSync(); n > 0; n = inbox.getSync()) outbox.putSync(n * n)
}
module.exports = { square }

if (isMainProcess) {
  for (const method of getAllStartMethods()) {
    const [inbox, outbox] = [new Queue<number>(), new Queue<number>()]
    const child = new (getContext(method).Process)({ target: square, args: [inbox, outbox] })
    child.start()
    for (const n of [1, 2, 3, 0]) inbox.putSync(n)
    child.joinSync()
    console.log(method, child.exitCode, outbox.getSync(), outbox.getSync(), outbox.getSync())
  }
}
