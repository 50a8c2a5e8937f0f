/** The JSON API, as the page reads it. Amounts are decimal text, times are ISO 8601 in UTC. */

export interface Trade {
  trade_id: string
  account: string
  exchange: string
  bot_id: string | null
  category: string
  symbol: string
  direction: 'long' | 'short'
  entry_side: string
  entry_price: string | null
  entry_qty: string | null
  entry_time: string | null
  entry_reason: string | null
  entry_reason_evidence: string | null
  exit_side: string
  exit_price: string | null
  exit_qty: string | null
  exit_time: string | null
  exit_reason: string | null
  exit_reason_evidence: string | null
  gross_pnl: string | null
  net_pnl: string | null
  pnl_pct: string | null
  total_commission: string | null
  funding: string | null
  currency: string | null
  holding_duration_seconds: number | null
}

export interface TradePage {
  rows: Trade[]
  next_cursor: string | null
  total: number
}

export interface Position {
  account: string
  exchange: string
  category: string
  symbol: string
  leg: string | null
  bot_id: string | null
  side: string
  quantity: string
  avg_entry_price: string | null
  cost: string | null
  unrealized_pnl: string | null
  mark_price: string | null
  mark_at: string | null
  opened_at: string | null
  updated_at: string | null
}

export interface Positions {
  rows: Position[]
  as_of: string | null
}

export interface Stretch {
  account: string
  stream: string
  scope: string | null
  from: string | null
  to: string | null
}

/** Fills of one symbol that do not fit their position chain: one is missing, or was changed. */
export interface Misfits {
  account: string
  symbol: string
  kind: string
  count: number
  first_at: string
  last_at: string
}

/** How strong a proof is; the later, the stronger. */
export const GRADES = ['read', 'settled', 'corroborated'] as const
export type Grade = (typeof GRADES)[number]

export interface Coverage {
  rows: (Stretch & { grade: Grade })[]
  gaps: (Stretch & { reason: string | null })[]
  requested: Stretch[]
  alarms: Misfits[]
  percent: string | null
  read_at: string | null
}

export interface EquityDay {
  at: string
  net_pnl: string
  cumulative: string
  drawdown: string
}

export interface Equity {
  rows: EquityDay[]
  currency: string
}

export interface BotFigures {
  bot_id: string | null
  trades: number
  win_rate: string | null
  net_pnl: string | null
}

export interface ReasonFigures {
  exit_reason: string
  trades: number
  wins: number
  win_rate: string | null
  net_pnl: string | null
  avg_pnl: string | null
  avg_holding_seconds: number | null
}

export interface Summary {
  executions_total: number
  trades: number
  wins: number
  losses: number
  win_rate: string | null
  gross_pnl: string | null
  net_pnl: string | null
  commission: string | null
  funding: string | null
  profit_factor: string | null
  expectancy: string | null
  max_drawdown: string | null
  first_at: string | null
  last_at: string | null
  currency: string
  bots: BotFigures[]
  exit_reasons: ReasonFigures[]
  synced_at: string | null
}

export interface AccountStatus {
  account: string
  exchange: string
  state: string
  last_sync_at: string | null
  last_run_status: string | null
  last_run_at: string | null
  last_error: string | null
}

/** Something that the service has found wrong, and that is not over. */
export interface AlarmUp {
  account: string
  kind: string
  subject: string
  raised_at: string
  detail: string
}

export interface Status {
  version: string
  accounts: AccountStatus[]
  alarms: AlarmUp[]
  coverage: { not_fresh: string | null }
}

/** Why a request brought nothing. Status 0: no answer at all. */
export class Problem extends Error {
  readonly status: number
  readonly title: string

  constructor(status: number, title: string, detail: string) {
    super(detail)
    this.status = status
    this.title = title
  }
}

const ROOT = 'api/v1/'
const ANSWER_MS_MAX = 30_000
const DETAIL_CHARACTERS_MAX = 400

export async function read<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  const search = new URLSearchParams(query).toString()
  const answer = await ask(search ? `${path}?${search}` : path)
  try {
    return (await answer.json()) as T
  } catch {
    throw new Problem(answer.status, 'Unreadable answer', 'The server answered with something that is not JSON.')
  }
}

/** Hands the token over once; from then on the cookie speaks. */
export async function openSession(token: string): Promise<void> {
  await ask('session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response
  try {
    answer = await fetch(ROOT + path, {
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
      ...init,
    })
  } catch (error) {
    const late = error instanceof DOMException && error.name === 'TimeoutError'
    const why = late ? `gave no answer within ${ANSWER_MS_MAX / 1000} s` : 'cannot be reached'
    throw new Problem(0, 'No answer', `The server at ${location.host} ${why}.`)
  }
  if (!answer.ok) throw await problemOf(answer)
  return answer
}

/** An RFC 9457 problem, or the bare status where a proxy answered with something else. */
async function problemOf(answer: Response): Promise<Problem> {
  const bare = `The server answered ${answer.status}${answer.statusText ? ` ${answer.statusText}` : ''}.`
  try {
    const said = (await answer.json()) as { title?: unknown; detail?: unknown }
    const title = typeof said.title === 'string' ? said.title : 'Request refused'
    const detail = typeof said.detail === 'string' ? said.detail : bare
    return new Problem(answer.status, title, detail.slice(0, DETAIL_CHARACTERS_MAX))
  } catch {
    return new Problem(answer.status, 'Request refused', bare)
  }
}
