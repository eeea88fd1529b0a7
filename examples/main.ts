// `npm run example <name>` runs one; without a name it lists them all, in the order in which they are best read.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ORDER =
  `queue-basics producer-consumer joinable-queue send-json pipe-eof pipe-duplex pipe-bytes shared-value-array
  locked-counter manager-dict-list manager-all-types semaphore-slots condition-buffer barrier-phases anonymous-pipe named-pipe
  message-queue-types sockets signals python-both-ways shared-image`.split(/\s+/)

const fileOf = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url))
const names = ORDER.filter(name => existsSync(fileOf(name)))

/** What it shows: the first line of its source. */
function summary(name: string): string {
  const source = readFileSync(new URL(`../../examples/${name}.ts`, import.meta.url), 'utf8')
  return source.split('\n', 1)[0].replace('// Shows: ', '')
}

const [, , name] = process.argv
if (name === undefined) {
  console.log('npm run example <name>, with one of these names (each is examples/<name>.ts):\n')
  for (const name of names) console.log(`  ${name.padEnd(20)} ${summary(name)}`)
} else if (names.includes(name)) {
  await import(`./${name}.js`)
} else {
  console.error(`Expected the name of an example, got ${name}; there are ${names.join(', ')}`)
  process.exitCode = 1
}
