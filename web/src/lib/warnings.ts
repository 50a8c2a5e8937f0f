/** What must be said above the figures: what is missing from them, and why. */

import type { AccountStatus, AlarmUp, Coverage, Misfits, Problem } from './api.ts'
import { compare, show } from './decimal.ts'
import { ago, counted, moment, stamp, stretch, words } from './words.ts'

export interface Warning {
  grave: boolean
  /** The source or figure at fault. */
  subject: string
  said: string
  /** The words of the venue or the server, set apart. */
  quoted: string | null
  excludes: string
}

const FAILING = new Set(['failed', 'failing', 'error', 'refused'])
// What other lines here say already, with more.
const TOLD_ELSEWHERE = new Set(['unproven', 'gap'])
const MILD = new Set(['feed deaf', 'feed not live', 'key expires', 'quarantine', 'clock'])
const STALE_MS = 2 * 3600 * 1000
const COMPLETE = '100'
const QUOTED_MAX = 300

interface Known {
  accounts: readonly AccountStatus[]
  alarms?: readonly AlarmUp[]
  not_fresh?: string | null
  coverage: Coverage | null
  failed: Problem | null
  read_at: number | null
  now: number
}

export function warnings(known: Known): Warning[] {
  const found = known.accounts.flatMap((account) => ofAccount(account, known.now))
  found.push(...(known.alarms ?? []).filter((one) => !TOLD_ELSEWHERE.has(one.kind)).map(ofAlarm))
  if (known.not_fresh) found.push(ofAge(known.not_fresh))
  if (known.coverage) found.push(...ofCoverage(known.coverage), ...ofMisfits(known.coverage))
  if (known.failed) found.unshift(ofServer(known.failed, known.read_at))
  return found.sort((a, b) => Number(b.grave) - Number(a.grave))
}

function ofServer(problem: Problem, read_at: number | null): Warning {
  const since = read_at === null ? null : new Date(read_at).toISOString()
  return {
    grave: true,
    subject: 'Part of this page',
    said: 'could not be read anew:',
    quoted: problem.message,
    excludes: since ? `What is shown was read at ${moment(since)} UTC.` : 'What could not be read is left out.',
  }
}

function ofAlarm(alarm: AlarmUp): Warning {
  const about = alarm.subject ? `${alarm.kind} (${alarm.subject})` : alarm.kind
  return {
    grave: !MILD.has(alarm.kind),
    subject: alarm.account || 'The service',
    said: `${about} since ${moment(alarm.raised_at)} UTC:`,
    quoted: shortened(alarm.detail),
    excludes: '',
  }
}

function ofAge(said: string): Warning {
  return {
    grave: true,
    subject: 'Not fresh',
    said: `${said}.`,
    quoted: null,
    excludes: 'Figures below may lack what happened since.',
  }
}

function ofAccount(account: AccountStatus, now: number): Warning[] {
  // A pass that came to its end and left gaps has not failed: the gaps have a warning of their own.
  const partly = account.last_run_status === 'partial'
  const last_at = partly ? account.last_run_at : account.last_sync_at
  const last = stamp(last_at)
  const newer = last === null ? `every ${account.account} fill` : `${account.account} fills after ${moment(last_at)} UTC`
  const excludes = `Figures below exclude ${newer}.`
  const base = { subject: account.account, excludes }
  const error = partly ? null : account.last_error
  if (error || FAILING.has(account.state)) {
    const said = last === null ? 'was never synced' : `stopped syncing ${ago(last_at, now)}`
    return [{ ...base, grave: true, said: `${said}${error ? ':' : '.'}`, quoted: error && shortened(error) }]
  }
  if (last !== null && now - last > STALE_MS) {
    return [{ ...base, grave: false, said: `was last synced ${ago(last_at, now)}.`, quoted: null }]
  }
  return []
}

function shortened(text: string): string {
  return text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text
}

function ofCoverage(coverage: Coverage): Warning[] {
  const { percent, gaps } = coverage
  if (gaps.length === 0 && (percent === null || compare(percent, COMPLETE) >= 0)) return []
  const first = gaps[0]
  const what = first
    ? `${first.account} ${words(first.stream).toLowerCase()} ${stretch(first.from, first.to)} UTC`
    : 'the ranges that are not proven'
  const others = gaps.length > 1 ? ` and ${counted(gaps.length - 1, 'more range')}` : ''
  return [
    {
      grave: false,
      subject: percent === null ? 'Coverage is not complete' : `Coverage is ${floored(percent)} %`,
      said: 'of what was asked for.',
      quoted: null,
      excludes: `Figures below may lack what happened in ${what}${others}.`,
    },
  ]
}

/** A position that the fills cannot explain: read to the end, and still not whole. */
export function misfits(coverage: Coverage): Misfits[] {
  return coverage.alarms.filter((one) => one.kind === 'chain_break')
}

function ofMisfits(coverage: Coverage): Warning[] {
  return misfits(coverage).map((one) => ({
    grave: true,
    subject: `${one.account} ${one.symbol}`,
    said: `has ${counted(one.count, 'fill')} that ${one.count === 1 ? 'does' : 'do'} not fit the position: a fill is missing or was changed.`,
    quoted: null,
    excludes: `Figures of ${one.symbol} after ${moment(one.first_at)} UTC are not proven.`,
  }))
}

/** Never rounds up to 100: 99.996 is not complete. */
export function floored(percent: string): string {
  const said = show(percent, { places: 2 })
  return said === '100.00' && compare(percent, COMPLETE) < 0 ? '99.99' : said
}
