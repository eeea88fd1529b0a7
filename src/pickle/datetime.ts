/**
 * Python's `datetime` module: a record for each of its types, so that everything in them goes back.
 *
 * Only an aware datetime in UTC arrives as a Date: it alone means the same moment everywhere, as a Date does. The others
 * are readings of a clock on some wall, which a Date cannot hold.
 */
import { InvalidStateError } from '../contract/errors.ts'
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
    this.microseconds = microseconds
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
    this.year = year
    this.month = month
    this.day = day
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
    this.hour = hour
    this.minute = minute
    this.second = options.second ?? 0
    this.microsecond = options.microsecond ?? 0
    this.fold = options.fold ?? 0
    this.tzinfo = options.tzinfo ?? null
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

  constructor(
    year: number,
    month: number,
    day: number,
    hour = 0,
    minute = 0,
    { second = 0, microsecond = 0, fold = 0, tzinfo = null }: ClockOptions = {},
  ) {
    this.year = year
    this.month = month
    this.day = day
    this.hour = hour
    this.minute = minute
    this.second = second
    this.microsecond = microsecond
    this.fold = fold
    this.tzinfo = tzinfo
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
    this.days = days
    this.seconds = seconds
    this.microseconds = microseconds
  }

  static ofMilliseconds(ms: number): PythonTimedelta {
    const days = Math.floor(ms / 86_400_000)
    const rest = ms - days * 86_400_000
    const seconds = Math.floor(rest / 1000)
    return new PythonTimedelta(days, seconds, Math.round((rest - seconds * 1000) * 1000))
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

function digits(value: number, width = 2): string {
  return String(value).padStart(width, '0')
}

function clock({ hour, minute, second, microsecond }: PythonTime | PythonDatetime): string {
  const text = `${digits(hour)}:${digits(minute)}:${digits(second)}`
  return microsecond === 0 ? text : `${text}.${digits(microsecond, 6)}`
}
