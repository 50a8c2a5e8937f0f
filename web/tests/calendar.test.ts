import assert from 'node:assert/strict'
import { test } from 'node:test'

import { heat, heatCap, sheet, startOfDay } from '../src/lib/calendar.ts'

const DAY_MS = 86_400_000

function year(count: number) {
  const last = Date.parse('2026-05-15T00:00:00Z')
  return Array.from({ length: count }, (_, index) => ({
    at: new Date(last - (count - 1 - index) * DAY_MS).toISOString(),
    net_pnl: String(index + 1),
    cumulative: '0',
    drawdown: '0',
  }))
}

test('the end of a day belongs to that day, written either way', () => {
  assert.equal(startOfDay('2026-05-15T00:00:00Z'), Date.parse('2026-05-14T00:00:00Z'))
  assert.equal(startOfDay('2026-05-14T23:59:59.999Z'), Date.parse('2026-05-14T00:00:00Z'))
})

test('one outlier does not bleach the rest', () => {
  const figures = [...Array.from({ length: 99 }, () => '10'), '100000']
  assert.equal(heatCap(figures), '10')
  assert.equal(heat('10', '10'), 4)
  assert.equal(heat('-100000', '10'), -4)
  assert.equal(heat('-0.01', '10'), -1)
  assert.equal(heat('0.00', '10'), 0)
  assert.equal(heatCap([]), '0')
})

test('weeks begin on Monday and a year at most is shown', () => {
  const drawn = sheet(year(800), [])
  assert.equal(drawn.blank, 0)
  assert.equal(drawn.weeks, 53)
  // 14 May 2026 is a Thursday.
  assert.equal(drawn.days.length, 52 * 7 + 4)
  assert.equal(sheet(year(1), []).blank, 3)
  assert.deepEqual(sheet([], []), { days: [], blank: 0, weeks: 0, months: [] })
})
