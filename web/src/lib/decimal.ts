/**
 * Decimal text, from the ledger to the screen, without a float on the way.
 *
 * A figure is read into an integer and a scale. Rounding is half-even on the digits. Nothing here
 * adds figures up: sums are made by the ledger.
 */

export interface Digits {
  negative: boolean
  /** Never negative. The value is `whole / 10 ** scale`. */
  whole: bigint
  scale: number
}

export const MINUS = '\u2212'
const SHAPE = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/
/** A guard against `1e999999999`, which would fill the memory. */
const EXPONENT_MAX = 400

export function parse(text: string): Digits | null {
  const found = SHAPE.exec(text.trim())
  if (!found) return null
  const fraction = found[3] ?? ''
  const exponent = Number(found[4] ?? '0')
  if (Math.abs(exponent) > EXPONENT_MAX) return null
  let whole = BigInt((found[2] ?? '0') + fraction)
  let scale = fraction.length - exponent
  if (scale < 0) {
    whole *= 10n ** BigInt(-scale)
    scale = 0
  }
  return { negative: found[1] === '-' && whole !== 0n, whole, scale }
}

/** Rounds to `places` decimals, halves to the even digit. Fewer decimals are padded with zeros. */
export function round(value: Digits, places: number): Digits {
  if (value.scale <= places) {
    const whole = value.whole * 10n ** BigInt(places - value.scale)
    return { ...value, whole, scale: places }
  }
  const divisor = 10n ** BigInt(value.scale - places)
  const doubled = (value.whole % divisor) * 2n
  let whole = value.whole / divisor
  if (doubled > divisor || (doubled === divisor && whole % 2n === 1n)) whole += 1n
  return { negative: value.negative && whole !== 0n, whole, scale: places }
}

/** Keeps at most `count` significant digits; digits before the point are never rounded away. */
export function significant(value: Digits, count: number): Digits {
  const before = value.whole.toString().length - value.scale
  const places = Math.max(0, count - before)
  return trim(value.scale > places ? round(value, places) : value)
}

/** Without the zeros at the end of the fraction. */
export function trim(value: Digits): Digits {
  let { whole, scale } = value
  while (scale > 0 && whole % 10n === 0n) {
    whole /= 10n
    scale -= 1
  }
  return { ...value, whole, scale }
}

function plain(value: Digits): string {
  const text = value.whole.toString().padStart(value.scale + 1, '0')
  const cut = text.length - value.scale
  const head = text.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ',')
  return value.scale > 0 ? `${head}.${text.slice(cut)}` : head
}

/** With a true minus sign; `signed` also writes the plus. Zero has no sign. */
export function write(value: Digits, { signed = false } = {}): string {
  if (value.negative) return MINUS + plain(value)
  return signed && value.whole !== 0n ? `+${plain(value)}` : plain(value)
}

export interface Style {
  /** Decimals, always this many. */
  places?: number
  /** Or significant digits, at most this many. */
  digits?: number
  signed?: boolean
}

/** The figure as it stands on the screen. Text that is no figure is shown as it came. */
export function show(text: string, { places, digits, signed = false }: Style = {}): string {
  const value = parse(text)
  if (!value) return text
  if (places !== undefined) return write(round(value, places), { signed })
  return write(digits === undefined ? value : significant(value, digits), { signed })
}

/** -1, 0 or 1. Text that is no figure counts as zero. */
export function sign(text: string | null): number {
  const value = text === null ? null : parse(text)
  if (!value || value.whole === 0n) return 0
  return value.negative ? -1 : 1
}

export function compare(left: string, right: string): number {
  const a = signedAt(left, right)
  const b = signedAt(right, left)
  return a < b ? -1 : a > b ? 1 : 0
}

/** Both on one scale, as integers with their sign. */
function signedAt(text: string, other: string): bigint {
  const value = parse(text) ?? { negative: false, whole: 0n, scale: 0 }
  const scale = Math.max(value.scale, parse(other)?.scale ?? 0)
  const whole = round(value, scale).whole
  return value.negative ? -whole : whole
}

/** The size of `part` in thousandths of the size of `all`, for the length of a bar. */
export function thousandths(part: string, all: string): number {
  const size = (text: string) => text.trim().replace(/^[+-]/, '')
  const a = signedAt(size(part), size(all))
  const b = signedAt(size(all), size(part))
  return b === 0n ? 0 : Number((a * 1000n) / b)
}

/** The figure furthest from zero. */
export function largest(texts: readonly string[]): string {
  const size = (text: string) => text.trim().replace(/^[+-]/, '')
  return texts.map(size).reduce((best, text) => (compare(text, best) > 0 ? text : best), '0')
}

/** A drawdown is a loss, whichever sign it was written with. */
export function asLoss(text: string): string {
  return sign(text) === 0 ? '0' : `-${text.trim().replace(/^[+-]/, '')}`
}
