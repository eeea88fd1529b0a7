/** The lock that goes with a shared number or array: one of its own, a given one, or none. */
import { currentSession } from '../arena/session.ts'
import { idIn } from '../arena/shared-object.ts'
import { ArgumentTypeError } from '../contract/errors.ts'
import { checkOptions, describe } from '../contract/options.ts'
import { Lock } from '../sync/lock.ts'

/** What `options.lock` asks for, checked; `otherwise` when it was left out. */
export function checkLockOption(options: { lock?: boolean | Lock } | undefined, otherwise: boolean): boolean | Lock {
  checkOptions('options', options, ['lock'])
  const lock = options?.lock ?? otherwise
  if (typeof lock !== 'boolean' && !(lock instanceof Lock)) {
    throw new ArgumentTypeError(`Expected \`lock\` to be true, false, a Lock or an RLock, got ${describe(lock)}`)
  }
  if (lock instanceof Lock) idIn(currentSession(), lock, () => 'options.lock') // throws also when it is closed
  return lock
}
