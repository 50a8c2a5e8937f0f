/** Coverage as bars: what was asked for, what is proven, what is missing, per account and stream. */

import type { Coverage } from './api.ts'
import { stamp } from './words.ts'

export const BAR_WIDTH = 1000

export interface Piece {
  x: number
  width: number
  kind: 'requested' | 'read' | 'settled' | 'gap'
}

export interface Gap {
  from: string | null
  to: string | null
  reason: string | null
}

export interface Line {
  account: string
  stream: string
  scope: string
  pieces: Piece[]
  gaps: Gap[]
  /** Whether everything that was asked for lies within what was read. */
  proven: boolean
}

export interface Picture {
  lines: Line[]
  from: number | null
  to: number | null
  gaps: number
}

type Bounds = { from: number; to: number }
type Spread = { from: string | null; to: string | null }

/** Lines with something missing come first. */
export function picture(coverage: Coverage): Picture {
  const bounds = boundsOf([...coverage.requested, ...coverage.rows, ...coverage.gaps])
  const lines = new Map<string, Line>()
  const lineOf = (row: { account: string; stream: string; scope: string | null }): Line => {
    const scope = row.scope ?? ''
    const key = JSON.stringify([row.account, row.stream, scope])
    const known = lines.get(key)
    if (known) return known
    const fresh: Line = { account: row.account, stream: row.stream, scope, pieces: [], gaps: [], proven: true }
    lines.set(key, fresh)
    return fresh
  }
  for (const row of coverage.requested) lineOf(row).pieces.push(piece(row, bounds, 'requested'))
  for (const row of coverage.rows) lineOf(row).pieces.push(piece(row, bounds, row.grade))
  for (const row of coverage.gaps) {
    const line = lineOf(row)
    line.pieces.push(piece(row, bounds, 'gap'))
    line.gaps.push({ from: row.from, to: row.to, reason: row.reason })
  }
  for (const row of coverage.requested) {
    const line = lineOf(row)
    const own = coverage.rows.filter((known) => lineOf(known) === line)
    line.proven &&= line.gaps.length === 0 && within(row, own)
  }
  for (const line of lines.values()) line.proven &&= line.gaps.length === 0
  const sorted = [...lines.values()].sort((a, b) => Number(a.proven) - Number(b.proven) || order(a, b))
  return { lines: sorted, from: bounds?.from ?? null, to: bounds?.to ?? null, gaps: coverage.gaps.length }
}

function order(a: Line, b: Line): number {
  const left = `${a.account} ${a.stream} ${a.scope}`
  const right = `${b.account} ${b.stream} ${b.scope}`
  return left < right ? -1 : left > right ? 1 : 0
}

function boundsOf(rows: readonly Spread[]): Bounds | null {
  const times = rows.flatMap((row) => [stamp(row.from), stamp(row.to)]).filter((at) => at !== null)
  if (times.length === 0) return null
  return { from: Math.min(...times), to: Math.max(...times) }
}

/** Whether `known`, laid side by side, leaves no hole in `asked`. */
export function within(asked: Spread, known: readonly Spread[]): boolean {
  const end = stamp(asked.to)
  let reached = stamp(asked.from)
  if (reached === null || end === null) return known.length > 0
  const starts = known
    .map((row) => [stamp(row.from) ?? -Infinity, stamp(row.to) ?? Infinity] as const)
    .sort(([a], [b]) => a - b)
  for (const [from, to] of starts) {
    if (from > reached) break
    reached = Math.max(reached, to)
  }
  return reached >= end
}

/** A gap is drawn at least this wide: it must be seen, however short it was. */
const GAP_WIDTH_MIN = 8

function piece(row: Spread, bounds: Bounds | null, kind: Piece['kind']): Piece {
  if (!bounds || bounds.to <= bounds.from) return { x: 0, width: BAR_WIDTH, kind }
  const place = (at: number) => ((at - bounds.from) * BAR_WIDTH) / (bounds.to - bounds.from)
  const start = place(stamp(row.from) ?? bounds.from)
  const width = Math.max(place(stamp(row.to) ?? bounds.to) - start, kind === 'gap' ? GAP_WIDTH_MIN : 1)
  return { x: Math.max(0, Math.min(start, BAR_WIDTH - width)), width, kind }
}
