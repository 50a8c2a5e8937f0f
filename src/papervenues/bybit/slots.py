"""What one bot holds of one symbol: its lots, oldest first.

A close takes the oldest lots first. A holding's cost shrinks in proportion and serves the
bot's own decisions only. Quantities are in the units of a `Holding`.
"""

from collections import deque
from dataclasses import dataclass, field

from papervenues.bybit.bots import Bot, Style
from papervenues.bybit.history import NO_BOT


@dataclass(slots=True, eq=False)
class Slot:
    """What one bot holds of one symbol."""

    bot_number: int
    bot: Bot | None
    symbol: int
    weight: int
    hold: int = 0
    cost: int = 0
    adds_left: int = 0
    lots: "deque[tuple[int, int]]" = field(default_factory=deque)

    @property
    def name(self) -> str:
        """The bot's name; nobody has none."""
        return "" if self.bot is None else self.bot.name

    @property
    def style(self) -> Style:
        """How the bot trades."""
        assert self.bot is not None, "nobody has no style"
        return self.bot.style

    @property
    def is_nobody(self) -> bool:
        """Whether this is what orders without a bot opened."""
        return self.bot_number == NO_BOT

    def change(self, signed: int, *, price: int, lot_number: int) -> bool:
        """Close what is held the other way, then open the rest; true when a lot was opened."""
        if self.hold * signed < 0:
            closing = min(abs(self.hold), abs(signed))
            self.shrink(closing)
            signed += closing if signed < 0 else -closing
        if signed:
            self.hold += signed
            self.cost += abs(signed) * price
            self.lots.append((lot_number, abs(signed)))
        return signed != 0

    def shrink(self, qty: int) -> None:
        """Take a quantity off the holding."""
        held = abs(self.hold)
        assert qty <= held, "a close never exceeds what the bot holds"
        self.cost -= self.cost * qty // held
        self.hold += -qty if self.hold > 0 else qty
        while qty:
            number, lot = self.lots[0]
            if lot > qty:
                self.lots[0] = (number, lot - qty)
                return
            self.lots.popleft()
            qty -= lot
