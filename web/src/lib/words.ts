/** How times, spans and reasons are said. All times are UTC. */

export const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const INSTANT_MS_MAX = 1000

/** Where the name itself, with its underscores out, would not do. */
const NAMED: Record<string, string> = {
  adl: 'Auto-deleveraged',
  tp: 'Take profit',
  sl: 'Stop loss',
  trailing_tp: 'Trailing take profit',
  mm_close: 'Market-maker close',
  closed_pnl: 'Closed PnL',
}

/** `take_profit` as "Take profit". */
export function words(name: string | null): string {
  if (!name) return 'Unknown'
  const said = NAMED[name.toLowerCase()] ?? name.replaceAll('_', ' ')
  return said.charAt(0).toUpperCase() + said.slice(1)
}

export function stamp(text: string | null): number | null {
  const at = text === null ? NaN : Date.parse(text)
  return Number.isNaN(at) ? null : at
}

/** "20 Nov 2026" */
export function day(at: number): string {
  const date = new Date(at)
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`
}

/** "14:03", with seconds where asked. */
export function clock(at: number, { seconds = false } = {}): string {
  return new Date(at).toISOString().slice(11, seconds ? 19 : 16)
}

/** "20 Nov 2026, 14:03" */
export function moment(text: string | null): string {
  const at = stamp(text)
  return at === null ? 'unknown' : `${day(at)}, ${clock(at)}`
}

/** "20 Nov 14:03", for narrow places. */
export function brief(text: string | null): string {
  const at = stamp(text)
  return at === null ? 'unknown' : `${day(at).slice(0, -5)} ${clock(at)}`
}

/** "20 Nov 14:03 to 21 Nov 09:00"; an instant, such as a disputed one, is said once and to the second. */
export function stretch(from: string | null, to: string | null): string {
  const [start, end] = [stamp(from), stamp(to)]
  if (start === null || end === null || end - start >= INSTANT_MS_MAX) return `${brief(from)} to ${brief(to)}`
  return `${brief(from)}${clock(start, { seconds: true }).slice(5)}`
}

/** "2d 4h", "31m", "12s": the two largest units. */
export function span(seconds: number | null): string {
  if (seconds === null || seconds < 0) return '\u2013'
  const left = Math.floor(seconds)
  const parts: [number, string][] = [
    [Math.floor(left / 86400), 'd'],
    [Math.floor((left % 86400) / 3600), 'h'],
    [Math.floor((left % 3600) / 60), 'm'],
    [left % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first < 0) return '0s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

/** "just now", "31 min ago", "2 h ago", "3 days ago" */
export function ago(text: string | null, now: number): string {
  const at = stamp(text)
  if (at === null) return 'never'
  const seconds = Math.max(0, Math.floor((now - at) / 1000))
  if (seconds < 5) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86400)} days ago`
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}

export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}
