// What every Pipe and its Connections promise.
import { bytes } from './connection/bytes.ts'
import { fromCPython } from './connection/cpython.ts'
import { deaths } from './connection/deaths.ts'
import { descriptor } from './connection/descriptor.ts'
import { ends } from './connection/ends.ts'
import { messages } from './connection/messages.ts'
import { misuse } from './connection/misuse.ts'
import { waiting } from './connection/waiting.ts'
import type { Except, Implementation } from './implementation.ts'
import { suite } from './suite.ts'

export function connectionSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('Connection', make, except, [messages, bytes, ends, waiting, descriptor, misuse, deaths, fromCPython])
}
