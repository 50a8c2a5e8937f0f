/**
 * The newest year of days as weeks, Monday first, with how warm each day was.
 *
 * The heat is capped at the 93rd percentile, so that one outlier does not bleach the year.
 */

import type { EquityDay } from './api.ts'
import { compare, sign, thousandths } from './decimal.ts'

const DAY_MS = 86_400_000
const WEEKS_MAX = 53
const PERCENTILE = 93
export const LEVELS = 4

export interface Day {
  start: number
  net_pnl: string
  /** -4 to 4; 0 for a day without a result. */
  heat: number
}

export interface Month {
  name: string
  /** The week, counted from zero, in which the month begins. */
  week: number
}

export interface Sheet {
  days: Day[]
  /** Cells before the first day, so that it falls on its weekday. */
  blank: number
  weeks: number
  months: Month[]
}

/** A row stands for the day that ends at its time. */
export function startOfDay(at: string): number {
  return Math.floor((Date.parse(at) - 1) / DAY_MS) * DAY_MS
}

/** Monday is 0. */
function weekday(start: number): number {
  return (new Date(start).getUTCDay() + 6) % 7
}

export function sheet(rows: readonly EquityDay[], monthNames: readonly string[]): Sheet {
  const newest = rows.at(-1)
  if (!newest) return { days: [], blank: 0, weeks: 0, months: [] }
  const most = (WEEKS_MAX - 1) * 7 + weekday(startOfDay(newest.at)) + 1
  const shown = rows.slice(-most)
  const cap = heatCap(shown.map((row) => row.net_pnl))
  const days = shown.map((row) => ({
    start: startOfDay(row.at),
    net_pnl: row.net_pnl,
    heat: heat(row.net_pnl, cap),
  }))
  const blank = weekday(days[0]?.start ?? 0)
  const months = days.flatMap((day, index) => {
    const date = new Date(day.start)
    const name = monthNames[date.getUTCMonth()] ?? ''
    return date.getUTCDate() === 1 ? [{ name, week: Math.floor((blank + index) / 7) }] : []
  })
  return { days, blank, weeks: Math.ceil((blank + days.length) / 7), months }
}

export function heatCap(figures: readonly string[]): string {
  const sizes = figures.filter((text) => sign(text) !== 0).map((text) => text.replace(/^[+-]/, ''))
  sizes.sort(compare)
  return sizes[Math.min(sizes.length - 1, Math.floor((sizes.length * PERCENTILE) / 100))] ?? '0'
}

export function heat(figure: string, cap: string): number {
  const size = thousandths(figure, cap)
  return sign(figure) * Math.min(LEVELS, 1 + Math.floor((size * LEVELS) / 1000))
}
