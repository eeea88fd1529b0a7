// Shows: three processes that work in phases: nobody begins the second before everybody has finished the first.
// Try: parties of 4 with three processes: all wait. Kill one of three: the others get BrokenBarrierError, and do not hang.
// Without it: the quickest would read what the slowest has not written yet.
import { Barrier, isMainProcess, Process, Queue, SharedArray, type SharedArrayOf } from 'multiproc'

const WORKERS = 3

export async function work(me: number, cells: SharedArrayOf<'i'>, phase: Barrier, log: Queue<string>): Promise<void> {
  cells[me] = (me + 1) * 10
  await log.put(`phase 1: worker ${me} wrote ${cells[me]}`)
  const place = await phase.wait()
  // now all cells are written, whoever was quicker
  const sum = cells.reduce((a, b) => a + b)
  await log.put(`phase 2: worker ${me} sees the sum ${sum}`)
  if (place === 0) await log.put('phase 2: one of them was told 0, and may tidy up')
}

async function main(): Promise<void> {
  const cells = new SharedArray('i', WORKERS)
  const phase = new Barrier(WORKERS)
  const log = new Queue<string>()
  const workers = Array.from(
    { length: WORKERS },
    (_, me) => new Process({ target: work, args: [me, cells, phase, log] }),
  )
  for (const worker of workers) worker.start()
  for (const worker of workers) await worker.join()

  const lines: string[] = []
  while (!log.empty()) lines.push(log.getNowait())
  const first = lines.slice(0, WORKERS)
  const second = lines.slice(WORKERS)
  // within a phase any order is right
  for (const line of [...first.sort(), ...second.sort()]) console.log(line)
}

if (isMainProcess) await main()
