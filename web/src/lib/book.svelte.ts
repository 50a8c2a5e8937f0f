/** What the page knows: one part per request, and which screen stands for the whole. */

import { hasSession, takeToken } from './address.ts'
import { openSession, Problem, read } from './api.ts'
import type { Coverage, Equity, Positions, Status, Summary } from './api.ts'
import { trades } from './trades.svelte.ts'

type Screen = 'starting' | 'login' | 'book' | 'down'

const REFRESH_MS = 60_000
const TICK_MS = 10_000

/** One request's last good answer, and the reason if the newest attempt failed. */
export class Part<T> {
  data = $state.raw<T | null>(null)
  problem = $state.raw<Problem | null>(null)
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  async load(): Promise<Problem | null> {
    try {
      this.data = await read<T>(this.path)
      this.problem = null
    } catch (error) {
      this.problem = error as Problem
    }
    return this.problem
  }
}

class Book {
  screen = $state<Screen>('starting')
  refused = $state('')
  now = $state(Date.now())
  busy = $state(false)
  read_at = $state<number | null>(null)

  private ticking = false

  readonly summary = new Part<Summary>('reports/summary')
  readonly equity = new Part<Equity>('reports/equity')
  readonly coverage = new Part<Coverage>('coverage')
  readonly positions = new Part<Positions>('positions')
  readonly status = new Part<Status>('status')
  readonly parts = [this.summary, this.equity, this.coverage, this.positions, this.status] as const

  empty = $derived(this.summary.data?.executions_total === 0)
  failed = $derived(this.parts.find((part) => part.problem)?.problem ?? null)

  async start(): Promise<void> {
    const token = takeToken()
    if (token !== null) await this.enter(token)
    else if (hasSession()) await this.open()
    else this.screen = 'login'
  }

  async enter(token: string): Promise<void> {
    try {
      await openSession(token)
    } catch (error) {
      const problem = error as Problem
      this.refused = problem.status === 401 ? 'This token is not valid (any more).' : problem.message
      this.screen = problem.status === 0 ? 'down' : 'login'
      if (problem.status === 0) this.summary.problem = problem
      return
    }
    await this.open()
  }

  async open(): Promise<void> {
    this.refused = ''
    this.screen = 'book'
    this.startClock()
    await this.refreshAll()
  }

  private startClock(): void {
    if (this.ticking) return
    this.ticking = true
    setInterval(() => (this.now = Date.now()), TICK_MS)
    setInterval(() => void this.refreshQuietly(), REFRESH_MS)
  }

  /** Reads everything but the trades anew. What cannot be read stays as it was, and says so. */
  async refresh(): Promise<void> {
    this.busy = true
    const problems = await Promise.all(this.parts.map((part) => part.load()))
    this.busy = false
    this.now = Date.now()
    if (problems.some((problem) => problem === null)) this.read_at = this.now
    if (problems.some((problem) => problem?.status === 401)) this.leave()
    else if (this.parts.every((part) => part.data === null)) this.screen = 'down'
    else this.screen = 'book'
  }

  async refreshAll(): Promise<void> {
    await Promise.all([this.refresh(), trades.load()])
  }

  async again(): Promise<void> {
    if (hasSession()) await this.refreshAll()
    else location.reload()
  }

  private async refreshQuietly(): Promise<void> {
    if (document.hidden || this.busy || this.screen === 'login') return
    await Promise.all([this.refresh(), trades.look()])
  }

  private leave(): void {
    this.refused = 'The session has ended. Enter the token again.'
    this.screen = 'login'
  }
}

export const book = new Book()
