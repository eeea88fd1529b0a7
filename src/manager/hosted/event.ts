/** Python's Event: a flag that can be waited for. */
import { type Call, defineType } from './hosted-type.ts'
import { Line, secondsOf } from './line.ts'

export class HostedEvent {
  readonly #line = new Line<boolean>()
  #isSet = false

  get isSet(): boolean {
    return this.#isSet
  }

  set(): void {
    this.#isSet = true
    for (const waiter of this.#line.all()) waiter.serve(true)
  }

  clear(): void {
    this.#isSet = false
  }

  wait(call: Call, seconds: number): boolean | Promise<boolean> {
    if (this.#isSet || seconds <= 0) return this.#isSet
    return this.#line.wait(call, seconds, () => false, undefined)
  }
}

export const eventType = defineType<HostedEvent>({
  typeid: 'Event',
  init: '',
  create: () => new HostedEvent(),
  methods: {
    clear: ['', event => event.clear()],
    is_set: ['', event => event.isSet],
    set: ['', event => event.set()],
    wait: ['timeout?', (event, a, call) => event.wait(call, secondsOf(a[0]))],
  },
  repr: event => `<Event: ${event.isSet ? 'set' : 'unset'}>`,
})
