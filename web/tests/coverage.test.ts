import assert from 'node:assert/strict'
import { test } from 'node:test'

import { picture, within } from '../src/lib/coverage.ts'
import { floored, warnings } from '../src/lib/warnings.ts'
import { stretch } from '../src/lib/words.ts'

const MAY = { from: '2026-05-01T00:00:00Z', to: '2026-05-31T00:00:00Z' }
const EARLY = { from: '2026-05-01T00:00:00Z', to: '2026-05-10T00:00:00Z' }
const LATE = { from: '2026-05-10T00:00:00Z', to: '2026-05-31T00:00:00Z' }
const LATER = { from: '2026-05-10T00:00:01Z', to: '2026-05-31T00:00:00Z' }
const ACCOUNT = {
  account: 'main',
  exchange: 'bybit',
  state: 'ok',
  last_sync_at: MAY.to,
  last_run_status: 'completed',
  last_run_at: MAY.to,
  last_error: null,
}
const OF = { account: 'main', stream: 'executions', scope: 'linear' }

test('ranges that touch prove a whole; a hole of a second does not', () => {
  assert.equal(within(MAY, [LATE, EARLY]), true)
  assert.equal(within(MAY, [LATER, EARLY]), false)
  assert.equal(within(MAY, []), false)
})

test('what was asked for and not read is not proven, also where nobody named a gap', () => {
  const drawn = picture({
    rows: [{ ...OF, ...EARLY, grade: 'settled' }],
    gaps: [],
    requested: [{ ...OF, ...MAY }],
    alarms: [],
    percent: '30.00',
    read_at: null,
  })
  assert.equal(drawn.lines[0]?.proven, false)
})

test('coverage never rounds up to complete', () => {
  assert.equal(floored('99.9999999'), '99.99')
  assert.equal(floored('100.0'), '100.00')
})

test('a failing account is named with what the figures exclude', () => {
  const [warning] = warnings({
    accounts: [
      { ...ACCOUNT, state: 'failed', last_sync_at: MAY.from, last_run_status: 'failed', last_error: 'key refused' },
    ],
    coverage: null,
    failed: null,
    read_at: null,
    now: Date.parse(MAY.to),
  })
  assert.equal(warning?.grave, true)
  assert.equal(warning?.quoted, 'key refused')
  assert.match(warning?.excludes ?? '', /exclude main fills after 1 May 2026, 00:00 UTC/)
})

test('all proven and fresh: nothing is said', () => {
  const coverage = { rows: [], gaps: [], requested: [], alarms: [], percent: '100.00', read_at: null }
  const now = Date.parse(MAY.to) + 1000
  assert.deepEqual(warnings({ accounts: [ACCOUNT], coverage, failed: null, read_at: null, now }), [])
})

test('a position that the fills cannot explain is a grave warning, though every page was read', () => {
  const alarm = { account: 'main', symbol: 'BTCUSDT', kind: 'chain_break', count: 3, first_at: MAY.from, last_at: MAY.to }
  const coverage = { rows: [], gaps: [], requested: [], alarms: [alarm], percent: '100.00', read_at: null }
  const [warning] = warnings({ accounts: [], coverage, failed: null, read_at: null, now: Date.now() })
  assert.equal(warning?.grave, true)
  assert.match(warning?.said ?? '', /3 fills that do not fit/)
  assert.match(warning?.excludes ?? '', /BTCUSDT after 1 May 2026/)
})

const WHOLE = { gaps: [], alarms: [], percent: '100.00', read_at: null }
const SILENT = ['orders', 'deposits', 'transfers'].map((stream) => ({ account: 'main', stream, scope: 'all' }))

test('what is proven is folded into fills and the rest; every line can still be seen', () => {
  const all = [OF, { ...OF, scope: 'spot' }, ...SILENT]
  const drawn = picture({
    ...WHOLE,
    rows: all.map((one) => ({ ...one, ...MAY, grade: 'settled' as const })),
    requested: all.map((one) => ({ ...one, ...MAY })),
  })
  assert.deepEqual(drawn.brief.map((row) => row.name), ['Executions · linear, spot', '3 other histories'])
  assert.equal(drawn.lines.length, 5)
})

test('a line that is not proven stands by itself, and first', () => {
  const all = [OF, ...SILENT]
  const drawn = picture({
    ...WHOLE,
    rows: all.map((one) => ({ ...one, ...(one.stream === 'orders' ? EARLY : MAY), grade: 'read' as const })),
    gaps: [{ account: 'main', stream: 'orders', scope: 'all', ...LATE, reason: 'not read yet' }],
    requested: all.map((one) => ({ ...one, ...MAY })),
  })
  assert.deepEqual(drawn.brief.map((row) => row.name), ['Orders', 'Executions · linear', '2 other histories'])
  assert.deepEqual(drawn.brief.map((row) => row.proven), [false, true, true])
})

test('a folded bar shows the weakest proof of its lines, drawn last', () => {
  const spot = { ...OF, scope: 'spot' }
  const drawn = picture({
    ...WHOLE,
    rows: [{ ...spot, ...LATE, grade: 'read' }, { ...OF, ...MAY, grade: 'corroborated' }, { ...spot, ...EARLY, grade: 'settled' }],
    requested: [{ ...OF, ...MAY }, { ...spot, ...MAY }],
  })
  assert.deepEqual(drawn.brief[0]?.pieces.map((one) => one.kind), ['requested', 'corroborated', 'settled', 'read'])
})

test('a disputed instant is named once, to the second', () => {
  assert.equal(stretch('2026-05-09T14:03:07.120Z', '2026-05-09T14:03:07.121Z'), '9 May 14:03:07')
  assert.equal(stretch(MAY.from, MAY.to), '1 May 00:00 to 31 May 00:00')
})

test('a pass that left gaps has not stopped; the gaps are warned of, not the account', () => {
  const partly = { ...ACCOUNT, last_sync_at: null, last_run_status: 'partial', last_error: 'a gap' }
  const gap = { ...OF, from: '2026-05-09T14:03:07.120Z', to: '2026-05-09T14:03:07.121Z', reason: 'in dispute' }
  const coverage = { ...WHOLE, rows: [], requested: [], gaps: [gap], percent: '99.99' }
  const now = Date.parse(MAY.to) + 1000
  const said = warnings({ accounts: [partly], coverage, failed: null, read_at: null, now })
  assert.deepEqual(said.map((one) => one.subject), ['Coverage is 99.99 %'])
})

test('alarms of the service are said, but for those that another line tells with more', () => {
  const alarms = ['feed not live', 'gap', 'key refused'].map((kind) => ({
    account: 'main', kind, subject: '', raised_at: '2026-03-01T12:00:00Z', detail: 'the reason',
  }))
  const coverage = { rows: [], gaps: [], requested: [], alarms: [], percent: '100', read_at: null }
  const said = warnings({ accounts: [], alarms, not_fresh: 'main was not read', coverage, failed: null, read_at: null, now: Date.now() })

  assert.deepEqual(said.map((one) => [one.grave, one.subject]), [[true, 'main'], [true, 'Not fresh'], [false, 'main']])
  assert.match(said[0]?.said ?? '', /^key refused since/)
})
