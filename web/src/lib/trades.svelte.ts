/** The newest trades, page by page by cursor, under the filters that the address holds. */

import { filtersOf, FILTER_NAMES, NO_FILTERS, rangeOf, searchOf, setOnly } from './address.ts'
import type { Filters, Range } from './address.ts'
import { Problem, read } from './api.ts'
import type { Trade, TradePage } from './api.ts'

const PAGE_ROWS = 100

class Trades {
  filters = $state.raw<Filters>(filtersOf(location.search))
  range = $state<Range>(rangeOf(location.search))
  rows = $state.raw<Trade[]>([])
  total = $state<number | null>(null)
  fresh = $state(0)
  problem = $state.raw<Problem | null>(null)
  busy = $state(false)
  filtered = $derived(FILTER_NAMES.some((name) => this.filters[name] !== ''))
  more = $derived.by(() => this.cursor !== null)
  private cursor = $state<string | null>(null)
  /** Answers to a question that is no longer asked are dropped. */
  private question = 0

  constructor() {
    addEventListener('popstate', () => {
      this.range = rangeOf(location.search)
      this.filters = filtersOf(location.search)
      void this.load()
    })
  }

  set(change: Partial<Filters>): void {
    const next = { ...this.filters, ...change }
    if (FILTER_NAMES.every((name) => next[name] === this.filters[name])) return
    this.filters = next
    this.remember()
    void this.load()
  }

  clear(): void {
    this.set(NO_FILTERS)
  }

  setRange(range: Range): void {
    if (range === this.range) return
    this.range = range
    this.remember()
  }

  async load(): Promise<void> {
    this.total = null
    this.rows = []
    this.cursor = null
    await this.fetch((page) => {
      this.rows = page.rows
    })
  }

  async loadMore(): Promise<void> {
    if (this.cursor === null || this.busy) return
    await this.fetch((page) => {
      this.rows = [...this.rows, ...page.rows]
    }, this.cursor)
  }

  /** Whether trades came in since the table was read; the table itself is left in peace. */
  async look(): Promise<void> {
    if (this.busy || this.total === null) return
    const asked = this.question
    try {
      const page = await read<TradePage>('trades', { limit: '1', ...setOnly(this.filters) })
      if (asked === this.question) this.fresh = Math.max(0, page.total - this.total)
    } catch {
      // The other parts of the page say that the server does not answer.
    }
  }

  private async fetch(take: (page: TradePage) => void, cursor?: string): Promise<void> {
    const asked = ++this.question
    this.busy = true
    try {
      const query = { limit: String(PAGE_ROWS), ...setOnly(this.filters), ...(cursor ? { cursor } : {}) }
      const page = await read<TradePage>('trades', query)
      if (asked !== this.question) return
      take(page)
      this.cursor = page.next_cursor
      this.total = page.total
      this.fresh = 0
      this.problem = null
    } catch (error) {
      if (asked === this.question) this.problem = error as Problem
    } finally {
      if (asked === this.question) this.busy = false
    }
  }

  private remember(): void {
    history.pushState(null, '', location.pathname + searchOf(this.filters, this.range) + location.hash)
  }
}

export const trades = new Trades()
