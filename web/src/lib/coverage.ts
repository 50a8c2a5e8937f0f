/** Coverage as bars: what was asked for, what is proven, what is missing, per account and stream. */

import { GRADES, type Coverage, type Grade } from './api.ts'
import { stamp, words } from './words.ts'

export const BAR_WIDTH = 1000

/** The stream that figures are made of. */
const FILLS = 'executions'
/** The scope of a stream that has only one. */
const EVERY = 'all'

export interface Piece {
  x: number
  width: number
  kind: 'requested' | Grade | 'gap'
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
  /** How far each grade reaches, strongest first, for those who do not see the bar. */
  reach: Partial<Record<Grade, number>>
}

/** A line, or several that have nothing to tell apart, drawn as one. */
export interface Row extends Line {
  name: string
  /** How many lines it stands for. */
  folded: number
}

export interface Picture {
  /** Every line by itself. */
  lines: Row[]
  /** What must be told apart: each line that is not proven, and the proven ones of an account folded. */
  brief: Row[]
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
    const fresh: Line = { account: row.account, stream: row.stream, scope, pieces: [], gaps: [], proven: true, reach: {} }
    lines.set(key, fresh)
    return fresh
  }
  for (const row of coverage.requested) lineOf(row).pieces.push(piece(row, bounds, 'requested'))
  for (const row of coverage.rows) {
    const line = lineOf(row)
    line.pieces.push(piece(row, bounds, row.grade))
    line.reach[row.grade] = Math.max(line.reach[row.grade] ?? -Infinity, stamp(row.to) ?? Infinity)
  }
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
  const sorted = [...lines.values()].sort(order)
  return {
    lines: sorted.map((line) => row([line])),
    brief: folded(sorted),
    from: bounds?.from ?? null,
    to: bounds?.to ?? null,
    gaps: coverage.gaps.length,
  }
}

/** What is not proven comes first, then account by account, and fills before the rest. */
function order(a: Line, b: Line): number {
  return (
    Number(a.proven) - Number(b.proven) ||
    compared(a.account, b.account) ||
    Number(b.stream === FILLS) - Number(a.stream === FILLS) ||
    compared(a.stream, b.stream) ||
    compared(a.scope, b.scope)
  )
}

function compared(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** An account's proven lines become two: its fills, and everything beside them. */
function folded(lines: readonly Line[]): Row[] {
  const kept = new Map<string, Line[]>()
  for (const line of lines) {
    const own = line.proven ? [line.account, line.stream === FILLS] : [line.account, line.stream, line.scope]
    const key = JSON.stringify(own)
    kept.set(key, [...(kept.get(key) ?? []), line])
  }
  return [...kept.values()].map(row)
}

/** Of lines drawn over each other the weakest proof is seen: one bar never claims more than its worst. */
function row(lines: readonly Line[]): Row {
  const [first] = lines as readonly [Line, ...Line[]]
  const pieces = lines.flatMap((line) => line.pieces).sort((a, b) => layer(a) - layer(b))
  return { ...first, pieces: lines.length > 1 ? distinct(pieces) : pieces, name: nameOf(lines), folded: lines.length }
}

function layer(piece: Piece): number {
  if (piece.kind === 'requested') return -1
  return piece.kind === 'gap' ? GRADES.length + 1 : GRADES.length - GRADES.indexOf(piece.kind)
}

function distinct(pieces: readonly Piece[]): Piece[] {
  return [...new Map(pieces.map((one) => [JSON.stringify(one), one])).values()]
}

function nameOf(lines: readonly Line[]): string {
  const [first] = lines as readonly [Line, ...Line[]]
  if (lines.length > 1 && first.stream !== FILLS) {
    const streams = new Set(lines.map((line) => line.stream)).size
    return streams > 1 ? `${streams} other histories` : words(first.stream)
  }
  const scopes = lines.map((line) => line.scope).filter((scope) => scope && scope.toLowerCase() !== EVERY)
  return [words(first.stream), scopes.join(', ')].filter(Boolean).join(' · ')
}

/** How far a line is proven, in words. */
export function reachOf(line: Line, say: (at: number) => string): string {
  const reached = [...GRADES].reverse().flatMap((grade) => {
    const at = line.reach[grade]
    return at === undefined ? [] : [`${grade} to ${say(at)}`]
  })
  return reached.join(', ')
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
