/** What the page remembers in its address, so that a link or the back button brings it back. */

export interface Filters {
  symbol: string
  bot: string
  exit_reason: string
  from: string
  to: string
}

export const FILTER_NAMES = ['symbol', 'bot', 'exit_reason', 'from', 'to'] as const
export const NO_FILTERS: Filters = { symbol: '', bot: '', exit_reason: '', from: '', to: '' }

export const RANGES = ['1M', '3M', 'All'] as const
export type Range = (typeof RANGES)[number]

const TOKEN = 'token'
const SESSION_MARK = 'fillbook_session=1'

export function filtersOf(search: string): Filters {
  const query = new URLSearchParams(search)
  const found = { ...NO_FILTERS }
  for (const name of FILTER_NAMES) found[name] = query.get(name) ?? ''
  return found
}

export function rangeOf(search: string): Range {
  const found = new URLSearchParams(search).get('range')
  return RANGES.find((range) => range === found) ?? 'All'
}

/** Only what is set, as the API takes it. */
export function setOnly(filters: Filters): Record<string, string> {
  return Object.fromEntries(FILTER_NAMES.filter((name) => filters[name]).map((name) => [name, filters[name]]))
}

export function searchOf(filters: Filters, range: Range): string {
  const query = new URLSearchParams(setOnly(filters))
  if (range !== 'All') query.set('range', range)
  const text = query.toString()
  return text ? `?${text}` : ''
}

/** Takes the token out of the address before anything else can see or store it. */
export function takeToken(): string | null {
  const query = new URLSearchParams(location.search)
  const token = query.get(TOKEN)
  if (token === null) return null
  query.delete(TOKEN)
  const left = query.toString()
  history.replaceState(null, '', location.pathname + (left ? `?${left}` : '') + location.hash)
  return token
}

/** Whether a session was opened: the server sets this mark beside the cookie that no script reads. */
export function hasSession(): boolean {
  return document.cookie.split('; ').includes(SESSION_MARK)
}
