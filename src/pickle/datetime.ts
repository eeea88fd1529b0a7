/**
 * Python's `datetime` module: a record for each of its types, so that everything in them goes back.
 *
 * Only an aware datetime in UTC arrives as a Date: it alone means the same moment everywhere, as a Date does. The others
 * are readings of a clock on some wall, which a Date cannot hold.
 */
import { ArgumentRangeError, ArgumentTypeError, InvalidStateError } from '../contract/errors.ts'
import { checkCount, describe } from '../contract/options.ts'
import { PythonObject } from './python-object.ts'

/**
 * A Date with the microseconds that a Date drops: an aware datetime in UTC arrives as this, or as a plain Date where it
 * has none.
 *
 * @example
 * const date = new PreciseDate(Date.UTC(2026, 0, 1), 250)
 * const back = loads(dumps(date)) as PreciseDate
 * assert.ok(back instanceof Date)
 * assert.deepEqual([back.toISOString(), back.microseconds], ['2026-01-01T00:00:00.000Z', 250])
 */
export class PreciseDate extends Date {
  /** 0 to 999, after the millisecond. */
  readonly microseconds: number

  constructor(time: number, microseconds: number) {
    super(time)
    this.microseconds = checkCount('microseconds', microseconds, 0, 999)
  }
}

/**
 * Python's `datetime.date`: a day in the calendar, of no time zone.
 *
 * @example
 * const { year, month, day } = loads(dumps(new PythonDate(2026, 12, 24))) as PythonDate
 * assert.deepEqual([year, month, day], [2026, 12, 24])
 */
export class PythonDate {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number

  constructor(year: number, month: number, day: number) {
    this.year = checkCount('year', year, 1, 9999)
    this.month = checkCount('month', month, 1, 12)
    this.day = checkCount('day', day, 1, daysIn(year, month))
  }

  /** As in `2026-12-24`. */
  toString(): string {
    return `${digits(this.year, 4)}-${digits(this.month)}-${digits(this.day)}`
  }
}

/** What a PythonTime and a PythonDatetime may have beside their hours and minutes. */
export interface ClockOptions {
  readonly second?: number
  readonly microsecond?: number
  /** 1: the second of two readings that are alike, when clocks are put back. */
  readonly fold?: number
  /** `datetime.timezone`, `zoneinfo.ZoneInfo` …; null: naive. */
  readonly tzinfo?: PythonObject | null
}

/**
 * Python's `datetime.time`.
 *
 * @example
 * const noon = loads(dumps(new PythonTime(12, 0))) as PythonTime
 * assert.equal(String(noon), '12:00:00')
 */
export class PythonTime {
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly microsecond: number
  readonly fold: number
  readonly tzinfo: PythonObject | null

  constructor(hour: number, minute: number, options: ClockOptions = {}) {
    const { second = 0, microsecond = 0, fold = 0, tzinfo = null } = options
    this.hour = checkCount('hour', hour, 0, 23)
    this.minute = checkCount('minute', minute, 0, 59)
    this.second = checkCount('second', second, 0, 59)
    this.microsecond = checkCount('microsecond', microsecond, 0, 999_999)
    this.fold = checkCount('fold', fold, 0, 1)
    this.tzinfo = checkZone(tzinfo)
  }

  /** As in `23:59:59.000001`. */
  toString(): string {
    return clock(this)
  }
}

/**
 * Python's `datetime.datetime` that is naive, or in a time zone other than UTC.
 *
 * @example
 * const wall = loads(dumps(new PythonDatetime(2026, 12, 24, 18, 30))) as PythonDatetime
 * assert.equal(String(wall), '2026-12-24 18:30:00')
 * assert.equal(wall.toDate('UTC').toISOString(), '2026-12-24T18:30:00.000Z')
 */
export class PythonDatetime {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly microsecond: number
  readonly fold: number
  readonly tzinfo: PythonObject | null

  constructor(year: number, month: number, day: number, hour = 0, minute = 0, options: ClockOptions = {}) {
    const date = new PythonDate(year, month, day)
    const time = new PythonTime(hour, minute, options)
    this.year = date.year
    this.month = date.month
    this.day = date.day
    this.hour = time.hour
    this.minute = time.minute
    this.second = time.second
    this.microsecond = time.microsecond
    this.fold = time.fold
    this.tzinfo = time.tzinfo
  }

  /**
   * The moment it means, to the millisecond. `naive` says what a datetime without a time zone is read as.
   *
   * @param naive 'local', as Python's own `timestamp()` does (the default), or 'UTC'
   * @throws {InvalidStateError} where the time zone is a name: the rules of that zone are not known here
   */
  toDate(naive: 'local' | 'UTC' = 'local'): Date {
    const { year, month, day, hour, minute, second, microsecond } = this
    const date = new Date(0)
    if (this.tzinfo === null && naive === 'local') {
      date.setFullYear(year, month - 1, day)
      date.setHours(hour, minute, second, Math.floor(microsecond / 1000))
      return date
    }
    date.setUTCFullYear(year, month - 1, day)
    date.setUTCHours(hour, minute, second, Math.floor(microsecond / 1000))
    if (this.tzinfo === null) return date
    const offset = offsetOf(this.tzinfo)
    if (offset === undefined) {
      const zone = `${this.tzinfo.module}.${this.tzinfo.name}`
      throw new InvalidStateError(
        `Expected a time zone with a fixed offset, got ${zone}; send it as datetime.astimezone(timezone.utc)`,
      )
    }
    return new Date(date.getTime() - offset.milliseconds)
  }

  /** As in `2026-12-24 18:30:00`, without its time zone. */
  toString(): string {
    return `${digits(this.year, 4)}-${digits(this.month)}-${digits(this.day)} ${clock(this)}`
  }
}

/**
 * Python's `datetime.timedelta`, in its own three parts: only `days` may be negative.
 *
 * @example
 * const half = loads(dumps(new PythonTimedelta(0, 43_200))) as PythonTimedelta
 * assert.equal(half.milliseconds, 43_200_000)
 * assert.equal(PythonTimedelta.ofMilliseconds(-1).days, -1)
 */
export class PythonTimedelta {
  readonly days: number
  /** 0 to 86,399. */
  readonly seconds: number
  /** 0 to 999,999. */
  readonly microseconds: number

  constructor(days: number, seconds = 0, microseconds = 0) {
    if (!isDays(days)) {
      const expected = 'Expected `days` to be a whole number from -999999999 to 999999999'
      throw new ArgumentRangeError(`${expected}, got ${describe(days)}; only days may be negative`)
    }
    this.days = days
    this.seconds = checkCount('seconds', seconds, 0, 86_399)
    this.microseconds = checkCount('microseconds', microseconds, 0, 999_999)
  }

  static ofMilliseconds(ms: number): PythonTimedelta {
    const days = Math.floor(ms / 86_400_000)
    // rounded before it is taken apart: it may round up to a whole second, or day
    const rest = Math.round((ms - days * 86_400_000) * 1000)
    if (rest === 86_400_000_000) return new PythonTimedelta(days + 1)
    return new PythonTimedelta(days, Math.floor(rest / 1_000_000), rest % 1_000_000)
  }

  /** All of it, with a fraction. */
  get milliseconds(): number {
    return this.days * 86_400_000 + this.seconds * 1000 + this.microseconds / 1000
  }
}

/** `datetime.timezone(offset)`: UTC, or so much before or after it. */
export function timezone(offset: PythonTimedelta): PythonObject {
  return new PythonObject('datetime', 'timezone', [offset])
}

/** How much a zone of a fixed offset is ahead of UTC. */
export function offsetOf(tzinfo: PythonObject): PythonTimedelta | undefined {
  const [offset] = tzinfo.args
  const fixed = tzinfo.module === 'datetime' && tzinfo.name === 'timezone' && tzinfo.callable === undefined
  return fixed && offset instanceof PythonTimedelta ? offset : undefined
}

export function daysIn(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** As many days as a timedelta can have. */
export function isDays(days: unknown): days is number {
  return Number.isInteger(days) && Math.abs(days as number) <= 999_999_999
}

function checkZone(tzinfo: unknown): PythonObject | null {
  if (tzinfo === null || tzinfo instanceof PythonObject) return tzinfo
  throw new ArgumentTypeError(`Expected \`tzinfo\` to be a PythonObject or null, got ${describe(tzinfo)}`)
}

function digits(value: number, width = 2): string {
  return String(value).padStart(width, '0')
}

function clock({ hour, minute, second, microsecond }: PythonTime | PythonDatetime): string {
  const text = `${digits(hour)}:${digits(minute)}:${digits(second)}`
  return microsecond === 0 ? text : `${text}.${digits(microsecond, 6)}`
}
