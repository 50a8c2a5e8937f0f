"""An order that is not finished: waiting to arrive, to be triggered, or resting in the book."""

from dataclasses import dataclass
from typing import Literal

from papervenues.bybit.live_market import FALLING, RISING, LivePath
from papervenues.bybit.order_rules import NO_STOPS, StopTerms

Phase = Literal["arriving", "untriggered", "resting"]
# What a position's own stop is; "" is an ordinary order.
StopKind = Literal["", "take_profit", "stop_loss", "trailing"]


@dataclass(slots=True, eq=False)
class Working:
    """One open order. Price and trigger are in ticks, quantities in units, 0 is none."""

    number: int
    symbol: int
    side: int
    left: int
    price: int
    is_market: bool
    time_in_force: str
    position_idx: int
    phase: Phase
    due_ms: int
    link_id: str = ""
    quote_left_e8: int = 0
    reduce_only: bool = False
    trigger_price: int = 0
    trigger_direction: int = 0
    stops: StopTerms = NO_STOPS
    stop_kind: StopKind = ""
    is_partial: bool = False
    trailing: int = 0
    peak: int = 0
    sibling: "Working | None" = None
    oco_word: str = ""
    active_price: int = 0
    stops_set: bool = False

    # What was found last: for which terms, the instant if there is one, and how far was looked.
    found_for: tuple[str | int, ...] = ()
    found_ms: int | None = None
    looked_ms: int = 0

    def next_ms(self, path: LivePath, *, after_ms: int, until_ms: int) -> int | None:
        """When the market next does something to this order, up to an instant.

        The market does not change its mind, so that an answer holds as long as the terms do.
        """
        terms = (
            self.phase, self.price, self.trigger_price, self.due_ms, self.trailing,
        )  # fmt: skip
        if terms == self.found_for:
            if self.found_ms is not None and self.found_ms > after_ms:
                return self.found_ms if self.found_ms <= until_ms else None
            if self.found_ms is None and until_ms <= self.looked_ms:
                return None
            if self.found_ms is None and not self.trailing:
                after_ms = max(after_ms, self.looked_ms)
        found = self._next_ms(path, after_ms=after_ms, until_ms=until_ms)
        self.found_for, self.found_ms, self.looked_ms = terms, found, until_ms
        return found

    def _next_ms(self, path: LivePath, *, after_ms: int, until_ms: int) -> int | None:
        if self.phase == "arriving":
            return self.due_ms if self.due_ms <= until_ms else None
        if self.phase == "resting":
            after_ms = max(after_ms, self.due_ms - 1)
            direction = FALLING if self.side > 0 else RISING
            return path.first_at(
                self.price, direction=direction, after_ms=after_ms, until_ms=until_ms
            )
        if self.trigger_price:
            return path.first_at(
                self.trigger_price,
                direction=self.trigger_direction,
                after_ms=after_ms,
                until_ms=until_ms,
            )
        return self._trail(path, after_ms=after_ms, until_ms=until_ms)

    def _trail(self, path: LivePath, *, after_ms: int, until_ms: int) -> int | None:
        """When a trailing stop is reached; the best price follows the market step by step."""
        peak, time_ms = self.peak, after_ms
        if self.active_price:
            active = self._activated(path, after_ms=after_ms, until_ms=until_ms)
            if active is None:
                return None
            peak, time_ms = path.at(active), active
        while time_ms < until_ms:
            edge = path.edge_after(time_ms, until_ms=until_ms)
            # A stop that sells trails below the best price, one that buys above it.
            level = peak + self.side * self.trailing
            direction = FALLING if self.side < 0 else RISING
            hit = path.first_at(level, direction=direction, after_ms=time_ms, until_ms=edge)
            if hit is not None:
                return hit
            seen = path.at(edge)
            peak = max(peak, seen) if self.side < 0 else min(peak, seen)
            time_ms = edge
        return None

    def follow(self, path: LivePath, *, after_ms: int, until_ms: int) -> None:
        """Let the best price of a trailing stop follow the market up to an instant."""
        if not self.trailing or self.phase != "untriggered" or self.trigger_price:
            return
        time_ms = after_ms
        if self.active_price:
            active = self._activated(path, after_ms=after_ms, until_ms=until_ms)
            if active is None:
                return
            self.peak, self.active_price, time_ms = path.at(active), 0, active
        while time_ms < until_ms:
            time_ms = path.edge_after(time_ms, until_ms=until_ms)
            seen = path.at(time_ms)
            self.peak = max(self.peak, seen) if self.side < 0 else min(self.peak, seen)

    def _activated(self, path: LivePath, *, after_ms: int, until_ms: int) -> int | None:
        """When the market reaches the price from which a trailing stop begins to trail."""
        return path.first_at(
            self.active_price,
            direction=self.trigger_direction,
            after_ms=after_ms,
            until_ms=until_ms,
        )
