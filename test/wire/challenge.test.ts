// The handshake: answers that Python would give, and what is no answer.
import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { ArgumentRangeError, ArgumentTypeError, AuthenticationError } from 'multiproc'
import {
  answerChallenge,
  answerTo,
  authenticateAsClient,
  authenticateAsListener,
  type Bytes,
  checkKey,
  deliverChallenge,
  verifyAnswer,
} from '#src/wire/challenge.js'

const KEY = Buffer.from('mykey')

/** Hears these messages, one after another, and keeps what it is told. */
function hearing(...messages: (string | Uint8Array)[]): Bytes & { told: string[] } {
  const told: string[] = []
  return {
    told,
    sendBytes: async bytes => void told.push(Buffer.from(bytes).toString('latin1')),
    recvBytes: async () => Buffer.from(messages.shift() as string),
  }
}

test('ChallengeResponseTest.test_challengeresponse', () => {
  for (const [name, length] of [
    ['', 16],
    ['md5', 16],
    ['sha256', 32],
    ['sha384', 48],
    ['sha3_256', 32],
    ['sha3_384', 48],
  ] as const) {
    const prefix = name === '' ? '' : `{${name}}`
    const message = Buffer.concat([Buffer.from(prefix), randomBytes(name === '' ? 20 : 40)])
    const answer = answerTo(KEY, message)
    assert.equal(Buffer.from(answer).subarray(0, prefix.length).toString(), prefix)
    assert.equal(answer.length, prefix.length + length)
    verifyAnswer(KEY, message, answer)
    assert.throws(() => verifyAnswer(Buffer.from('other'), message, answer), AuthenticationError)
    assert.throws(() => verifyAnswer(KEY, message, answer.subarray(1)), AuthenticationError)
    const changed = Buffer.from(answer)
    changed[changed.length - 1] ^= 1
    assert.throws(() => verifyAnswer(KEY, message, changed), AuthenticationError)
  }
})

test('a Python up to 3.11 answers a newer challenge by the MD5 of all of it; requireModern refuses that, and its challenge', () => {
  const message = Buffer.concat([Buffer.from('{sha256}'), randomBytes(40)])
  const answer = createHmac('md5', KEY).update(message).digest()
  verifyAnswer(KEY, message, answer)
  assert.throws(() => verifyAnswer(KEY, message, answer, true), AuthenticationError)
  const named = Buffer.concat([Buffer.from('{md5}'), answer])
  verifyAnswer(KEY, message, named)
  assert.throws(() => verifyAnswer(KEY, message, named, true), AuthenticationError)
  for (const challenge of [randomBytes(20), Buffer.concat([Buffer.from('{md5}'), randomBytes(40)])]) {
    answerTo(KEY, challenge)
    assert.throws(() => answerTo(KEY, challenge, true), AuthenticationError)
  }
})

test('a challenge that is too short, or of a digest that is not known, is not answered', () => {
  for (const challenge of [
    '',
    'x'.repeat(16),
    'x'.repeat(19),
    'x'.repeat(21),
    `{sha512}${'x'.repeat(40)}`,
    `{}${'x'.repeat(40)}`,
    `{sha256${'x'.repeat(40)}`,
    `sha256}${'x'.repeat(40)}`,
  ])
    assert.throws(() => answerTo(KEY, Buffer.from(challenge)), AuthenticationError, challenge)
})

test('OtherTest.test_deliver_challenge_auth_failure', async () => {
  const peer = hearing('something bogus')
  await assert.rejects(deliverChallenge(peer, Buffer.from('abc')), AuthenticationError)
  assert.equal(peer.told.at(-1), '#FAILURE#')
})

test('OtherTest.test_answer_challenge_auth_failure', async () => {
  const challenge = `#CHALLENGE#{sha256}${'x'.repeat(40)}`
  for (const messages of [
    ['something bogus'],
    [challenge, 'something bogus'],
    [challenge, '#FAILURE#'],
    [challenge, ''],
  ])
    await assert.rejects(answerChallenge(hearing(...messages), Buffer.from('abc')), AuthenticationError)
})

test('both sides of a handshake agree, and with different keys both refuse', async () => {
  const between = () => {
    const lines: [Uint8Array[], (() => void)[]][] = [
      [[], []],
      [[], []],
    ]
    const end = (mine: number): Bytes => ({
      sendBytes: async bytes => {
        const [messages, waiting] = lines[1 - mine]
        messages.push(bytes)
        waiting.shift()?.()
      },
      recvBytes: async () => {
        const [messages, waiting] = lines[mine]
        if (messages.length === 0) await new Promise<void>(resolve => waiting.push(resolve))
        return messages.shift()!
      },
    })
    return [end(0), end(1)]
  }
  const [a, b] = between()
  await Promise.all([authenticateAsListener(a, KEY, true), authenticateAsClient(b, KEY, true)])
  const [c, d] = between()
  await Promise.all([
    assert.rejects(authenticateAsListener(c, KEY), AuthenticationError),
    assert.rejects(authenticateAsClient(d, Buffer.from('other')), AuthenticationError),
  ])
})

test('a key is bytes of its own, or the UTF-8 of a string', () => {
  const given = Uint8Array.of(1, 2)
  const key = checkKey(given)!
  given[0] = 9
  assert.deepEqual([...key], [1, 2])
  assert.deepEqual([...checkKey('é')!], [0xc3, 0xa9])
  assert.equal(checkKey(undefined), undefined)
  assert.throws(() => checkKey(''), ArgumentRangeError)
  assert.throws(() => checkKey(7), ArgumentTypeError)
})
