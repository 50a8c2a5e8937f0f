/**
 * The two plots over one time axis: cumulative net PnL above, drawdown below.
 *
 * A plot needs floats to place a point. What is read off the chart is the ledger's own text.
 */

import uPlot from 'uplot'

import type { EquityDay } from './api.ts'
import { startOfDay } from './calendar.ts'
import { asLoss, MINUS } from './decimal.ts'

const AXIS_WIDTH = 58
const FIRST_LABEL_ROOM = 30 // half a date stands left of the first tick
const TIMES_HEIGHT = 34
const SYNC = 'equity'

export interface Series {
  /** Start of each UTC day, in seconds. */
  days: number[]
  cumulative: number[]
  drawdown: number[]
}

export interface Hooks {
  onday: (index: number | null) => void
  onselect: (from: number, to: number) => void
}

export function series(rows: readonly EquityDay[]): Series {
  return {
    days: rows.map((row) => startOfDay(row.at) / 1000),
    cumulative: rows.map((row) => Number(row.cumulative)),
    drawdown: rows.map((row) => Number(asLoss(row.drawdown))),
  }
}

/** 1200 as "1.2k": for the axis only. */
export function compact(value: number): string {
  const size = Math.abs(value)
  const units: [number, string][] = [[1e9, 'bn'], [1e6, 'm'], [1e3, 'k']]
  const [divisor, unit] = units.find(([least]) => size >= least) ?? [1, '']
  const text = String(Number((size / divisor).toPrecision(4)))
  return (value < 0 ? MINUS : '') + text + unit
}

function ink(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

interface Band {
  width: number
  height: number
  times: boolean
  stroke: string
  fill: string
}

function options(band: Band, hooks: Hooks): uPlot.Options {
  const font = `11px ${ink('--font')}`
  const line = { stroke: ink('--line'), width: 1 }
  const axis: uPlot.Axis = { stroke: ink('--muted'), font, grid: line, ticks: { show: false } }
  return {
    width: band.width,
    height: band.height,
    padding: [10, 0, band.times ? 0 : 4, FIRST_LABEL_ROOM],
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: { x: { time: true }, y: { range: (_, low, high) => spread(low, high, band.times) } },
    axes: [
      { ...axis, show: band.times, size: TIMES_HEIGHT, space: 70, values: TIMES },
      { ...axis, side: 1, size: AXIS_WIDTH, space: band.times ? 26 : 44, gap: 8, values: (_, marks) => marks.map(compact) },
    ],
    series: [
      {},
      { stroke: band.stroke, fill: band.fill, width: band.times ? 1.25 : 1.75, points: { show: (plot) => plot.data[0].length < 2 } },
    ],
    cursor: {
      sync: { key: SYNC },
      drag: { x: true, y: false, setScale: false },
      points: { size: 7, fill: band.stroke },
      x: true,
      y: false,
    },
    hooks: {
      setCursor: [(plot) => hooks.onday(plot.cursor.idx ?? null)],
      setSelect: [(plot) => selected(plot, hooks)],
    },
  }
}

const TIMES: uPlot.Axis.Values = [
  [3600 * 24 * 365, '{YYYY}', null, null, null, null, null, null, 1],
  [3600 * 24 * 28, '{MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [3600 * 24, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [1, '', null, null, null, null, null, null, 1],
]

/** Zero is always inside; the drawdown hangs from it. */
function spread(low: number, high: number, hanging: boolean): [number, number] {
  const [bottom, top] = [Math.min(low, 0), Math.max(high, 0)]
  const room = (top - bottom || 1) * 0.06
  return hanging ? [bottom - room * 2, 0] : [bottom < 0 ? bottom - room : 0, top + room]
}

function selected(plot: uPlot, hooks: Hooks): void {
  const { left, width } = plot.select
  if (width < 4) return
  hooks.onselect(plot.posToIdx(left), plot.posToIdx(left + width))
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
}

function gradient(plot: uPlot): CanvasGradient {
  const { top, height } = plot.bbox
  const shade = plot.ctx.createLinearGradient(0, top, 0, top + height)
  shade.addColorStop(0, ink('--accent-fill'))
  // Not `transparent`, which is a black without opacity and would grey the light theme.
  shade.addColorStop(1, ink('--accent-clear'))
  return shade
}

export interface Drawn {
  destroy: () => void
  /** Moves the cursor of both plots to a day. */
  point: (index: number) => void
}

/** The upper plot takes two thirds of the height. */
export function draw(above: HTMLElement, below: HTMLElement, data: Series, hooks: Hooks): Drawn {
  const high = options(
    { width: above.clientWidth, height: above.clientHeight, times: false, stroke: ink('--accent'), fill: '' },
    hooks,
  )
  const first = high.series[1]
  if (first) first.fill = (plot) => gradient(plot)
  const low = options(
    { width: below.clientWidth, height: below.clientHeight, times: true, stroke: ink('--loss'), fill: ink('--loss-fill') },
    hooks,
  )
  const plots = [
    new uPlot(high, [data.days, data.cumulative], above),
    new uPlot(low, [data.days, data.drawdown], below),
  ]
  const watch = new ResizeObserver(() => {
    plots.forEach((plot, at) => {
      const place = at === 0 ? above : below
      if (place.clientWidth > 0) plot.setSize({ width: place.clientWidth, height: place.clientHeight })
    })
  })
  watch.observe(above)
  return {
    destroy: () => {
      watch.disconnect()
      for (const plot of plots) plot.destroy()
    },
    point: (index) => {
      for (const plot of plots) plot.setCursor({ left: plot.valToPos(data.days[index] ?? 0, 'x'), top: 1 })
    },
  }
}
