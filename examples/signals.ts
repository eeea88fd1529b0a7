// Shows: signals between processes: sent, waited for, caught, and one that nobody can catch.
// Try: leave out the event `ready`: a SIGUSR2 that comes before the child waits for it ends the child.
// Without it: a program could be told nothing from outside, by kill(1) or its service manager, but to die.
import { Event, isMainProcess, Process } from 'multiproc'
import { sendSignal, waitForSignal } from 'multiproc/posix'

export async function listen(ready: Event, heard: Event): Promise<void> {
  const reload = waitForSignal('SIGUSR2')
  const end = waitForSignal('SIGTERM') // it would end the process by itself
  ready.set()
  console.log('  child: got', (await reload).signal)
  heard.set()
  console.log('  child: got', (await end).signal, 'and ends in its own time')
  process.exitCode = 7
}

export async function sleep(ready: Event): Promise<void> {
  ready.set()
  await new Promise(resolve => setTimeout(resolve, 60_000))
}

async function main(): Promise<void> {
  const [ready, heard] = [new Event(), new Event()]
  const child = new Process({ target: listen, args: [ready, heard] })
  child.start()
  await ready.wait()
  sendSignal(child.pid!, 'SIGUSR2')
  await heard.wait()
  sendSignal(child.pid!, 'SIGTERM')
  await child.join()
  console.log('exit code:', child.exitCode)

  ready.clear()
  const other = new Process({ target: sleep, args: [ready] })
  other.start()
  await ready.wait()
  sendSignal(other.pid!, 'SIGKILL')
  await other.join()
  console.log('exit code:', other.exitCode, 'is minus the signal')
  await waitForSignal('SIGKILL').catch(error => console.log(`waiting for SIGKILL: ${error.name}`))
}

if (isMainProcess) await main()
