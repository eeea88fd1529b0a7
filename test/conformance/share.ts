// What share() promises.
import type { Except, Implementation } from './implementation.ts'
import { attaching } from './share/attaching.ts'
import { creating } from './share/creating.ts'
import { lifetime } from './share/lifetime.ts'
import { meeting } from './share/meeting.ts'
import { mixing } from './share/mixing.ts'
import { suite } from './suite.ts'

export function shareSuite(make: Implementation, except: readonly Except[] = []): void {
  suite('share()', make, except, [attaching, creating, lifetime, mixing, meeting])
}
