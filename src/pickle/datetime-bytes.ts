/**
 * How Python pickles dates and times: the fields in a few bytes, and beside them the time zone.
 *
 *   date      year (2), month, day
 *   time      hour, minute, second, microsecond (3); fold is the highest bit of the hour
 *   datetime  date and time; fold is the highest bit of the month
 *
 * Numbers of several bytes have the highest first. `timedelta` has days, seconds and microseconds as arguments.
 */
import { types } from 'node:util'
import {
  daysIn,
  isDays,
  offsetOf,
  PreciseDate,
  PythonDate,
  PythonDatetime,
  PythonTime,
  PythonTimedelta,
  timezone,
} from './datetime.ts'
import { PythonObject } from './python-object.ts'

const UTC = timezone(new PythonTimedelta(0))

/** The arguments of the constructor of the class of that name, as Python would pickle the value; undefined: no such value. */
export function datetimeArguments(value: object): [name: string, args: unknown[]] | undefined {
  if (types.isDate(value)) return dateArguments(value)
  if (value instanceof PythonTimedelta) return ['timedelta', [value.days, value.seconds, value.microseconds]]
  if (value instanceof PythonDate) return ['date', [Uint8Array.from(day(value))]]
  if (value instanceof PythonTime) {
    const bytes = Uint8Array.from(clock(value))
    if (value.fold === 1) bytes[0] |= 0x80
    return ['time', value.tzinfo === null ? [bytes] : [bytes, value.tzinfo]]
  }
  if (!(value instanceof PythonDatetime)) return undefined
  const bytes = Uint8Array.from([...day(value), ...clock(value)])
  if (value.fold === 1) bytes[2] |= 0x80
  return ['datetime', value.tzinfo === null ? [bytes] : [bytes, value.tzinfo]]
}

/** A Date that is invalid, or of a year that Python does not know, gives undefined. */
function dateArguments(date: Date): [name: string, args: unknown[]] | undefined {
  const year = date.getUTCFullYear()
  if (!(year >= 1 && year <= 9999)) return undefined
  const rest = date instanceof PreciseDate ? date.microseconds : 0
  const bytes = Uint8Array.from([
    ...day({ year, month: date.getUTCMonth() + 1, day: date.getUTCDate() }),
    ...clock({
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      microsecond: date.getUTCMilliseconds() * 1000 + rest,
    }),
  ])
  return ['datetime', [bytes, UTC]]
}

type Day = Pick<PythonDate, 'year' | 'month' | 'day'>
type Clock = Pick<PythonTime, 'hour' | 'minute' | 'second' | 'microsecond'>

function day({ year, month, day }: Day): number[] {
  return [year >> 8, year & 0xff, month, day]
}

function clock({ hour, minute, second, microsecond }: Clock): number[] {
  return [hour, minute, second, microsecond >> 16, (microsecond >> 8) & 0xff, microsecond & 0xff]
}

/** The value that Python's constructor of that name makes of these arguments; undefined: none that is known. */
export function readDatetime(name: string, args: readonly unknown[]): unknown {
  if (name === 'timedelta') {
    const [days, seconds = 0, microseconds = 0] = args
    if (!isDays(days) || !isBelow(seconds, 86_400) || !isBelow(microseconds, 1_000_000)) return undefined
    return args.length <= 3 ? new PythonTimedelta(days, seconds, microseconds) : undefined
  }
  const [bytes, tzinfo = null] = args
  if (!(bytes instanceof Uint8Array) || args.length > 2) return undefined
  if (tzinfo !== null && !(tzinfo instanceof PythonObject)) return undefined
  if (name === 'date') {
    return bytes.length === 4 && args.length === 1 && isDay(bytes, bytes[2])
      ? new PythonDate(...dayAt(bytes))
      : undefined
  }
  if (name === 'time') {
    const hour = bytes[0] & 0x7f
    if (bytes.length !== 6 || !isClock(bytes, 0, hour)) return undefined
    return new PythonTime(hour, bytes[1], { ...restAt(bytes, 0), fold: bytes[0] >> 7, tzinfo })
  }
  if (bytes.length !== 10 || !isDay(bytes, bytes[2] & 0x7f) || !isClock(bytes, 4, bytes[4])) return undefined
  const [year, month, day] = dayAt(bytes)
  const fold = bytes[2] >> 7
  const { second, microsecond } = restAt(bytes, 4)
  const offset = tzinfo === null ? undefined : offsetOf(tzinfo)
  if (offset?.milliseconds === 0 && tzinfo!.args.length === 1 && fold === 0) {
    const date = new Date(0)
    date.setUTCFullYear(year, month - 1, day)
    date.setUTCHours(bytes[4], bytes[5], second, Math.floor(microsecond / 1000))
    const below = microsecond % 1000
    return below === 0 ? date : new PreciseDate(date.getTime(), below)
  }
  return new PythonDatetime(year, month, day, bytes[4], bytes[5], { second, microsecond, fold, tzinfo })
}

function dayAt(bytes: Uint8Array): [year: number, month: number, day: number] {
  return [(bytes[0] << 8) | bytes[1], bytes[2] & 0x7f, bytes[3]]
}

function restAt(bytes: Uint8Array, at: number): { second: number; microsecond: number } {
  return { second: bytes[at + 2], microsecond: (bytes[at + 3] << 16) | (bytes[at + 4] << 8) | bytes[at + 5] }
}

function isBelow(value: unknown, limit: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < limit
}

function isDay(bytes: Uint8Array, month: number): boolean {
  const year = (bytes[0] << 8) | bytes[1]
  return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && bytes[3] >= 1 && bytes[3] <= daysIn(year, month)
}

function isClock(bytes: Uint8Array, at: number, hour: number): boolean {
  return hour < 24 && bytes[at + 1] < 60 && bytes[at + 2] < 60 && restAt(bytes, at).microsecond < 1_000_000
}
