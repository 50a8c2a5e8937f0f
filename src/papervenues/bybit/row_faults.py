"""Row faults: what is served of single rows, while what truly happened stays as it is.

A row is known by its own ids, so that a fault strikes it in every listing alike. Rows that are
not shown yet, or no more, are left out here; the others are changed by `row_edits`. Hidden and
late rows of `execution/list` are left out by its own index, so that its pages stay full.
"""

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from papervenues.bybit.row_edits import EDITS, OF_ORDERS, Row
from papervenues.bybit.settings import DAY_MS, HOUR_MS, MINUTE_MS
from papervenues.draws import digest_of, hits
from papervenues.fault_scopes import EXECUTIONS, covers_path
from papervenues.faults import FaultPlan, RowLuck

TIMES = (
    "execTime", "transactionTime", "updatedTime", "createdTime", "updateTime", "createTime",
    "successAt", "timestamp", "deliveryTime", "closeTime",
)  # fmt: skip
IDS = (
    "execId", "id", "tradeId", "orderId", "currency", "type", "transferId", "txID", "withdrawId",
    "side", "symbol",
)  # fmt: skip
SECONDS_DIGITS_MAX = 11  # an instant with fewer digits than in milliseconds is in seconds
LATE_ASKS_MAX = 3
# Most late rows come soon, and a few very late: shares of a thousand, and the longest wait.
TAIL = ((500, 10_000), (800, 5 * MINUTE_MS), (950, 2 * HOUR_MS), (1_000, 2 * DAY_MS))
UPGRADED = "account_upgraded"
_NOT_SHOWN = ("hidden_row", "hidden_from_log", "symbol_unlisted")


@dataclass(slots=True)
class RowFaults:
    """The row faults of one venue; it remembers how often a row was asked for."""

    plan: FaultPlan
    seed: int
    start_ms: int
    end_ms: int
    _luck: dict[tuple[str, int | None], RowLuck] = field(default_factory=dict)
    _served: Counter[str] = field(default_factory=Counter)

    def act_on(self, path: str, account: int | None) -> bool:
        """Whether any row of this endpoint may be struck."""
        return bool(self._lucky(path, account).faults)

    def apply(
        self, rows: list[bytes], *, path: str, account: int | None, now_ms: int, upgraded: bool
    ) -> list[bytes]:
        """The rows as they are shown; `upgraded` asks for those from before an upgrade."""
        luck = self._lucky(path, account)
        if not luck.faults:
            return [] if upgraded else rows
        names = {fault.name for fault in luck.faults}
        shown = []
        for body in rows:
            row = msgspec.json.decode(body, type=dict[str, object])
            known = _Known.of(row, path)
            if UPGRADED in names and self._is_old(luck, known, account) != upgraded:
                continue
            if not self._is_hidden(luck, known, names, now_ms=now_ms):
                changed = self._changed(luck, row, known, names)
                shown.append(body if changed == row else msgspec.json.encode(changed))
        return shown

    def _lucky(self, path: str, account: int | None) -> RowLuck:
        found = self._luck.get((path, account))
        if found is None:
            found = RowLuck.of(self.plan, seed=self.seed, path=path, account=account)
            self._luck[path, account] = found
        return found

    def _is_hidden(self, luck: RowLuck, known: "_Known", names: set[str], *, now_ms: int) -> bool:
        by_index = covers_path(EXECUTIONS, known.path)
        for name in names.intersection(_NOT_SHOWN):
            if not (by_index and name == "hidden_row") and known.struck_by(luck, name):
                return True
        if "late_rows" in names and not by_index and known.struck_by(luck, "late_rows"):
            asked = f"late:{known.path}:{known.name}"
            self._served[asked] += 1
            if self._served[asked] <= 1 + digest_of("late", known.name) % LATE_ASKS_MAX:
                return True
        return (
            "late_by_time" in names
            and known.struck_by(luck, "late_by_time")
            and now_ms < known.time_ms + _delay_ms(self.seed, known.name)
        )

    def _changed(self, luck: RowLuck, row: Row, known: "_Known", names: set[str]) -> Row:
        for name in (one for one in EDITS if one in names):
            if not known.struck_by(luck, name):
                continue
            if name == "fee_corrected":
                self._served[known.name] += 1
                if self._served[known.name] > 1:
                    continue
            row = EDITS[name](row, digest_of(name, self.seed, known.subject(name)))
        return row

    def _is_old(self, luck: RowLuck, known: "_Known", account: int | None) -> bool:
        """Whether the row is from before the account's upgrade."""
        for fault in luck.faults:
            if fault.name != UPGRADED:
                continue
            if not hits(self.seed, UPGRADED, account, share_ppm=fault.share_ppm):
                continue
            if fault.from_ms is not None:
                return known.covered_by(fault.from_ms, fault.to_ms)
            length = self.end_ms - self.start_ms
            share = 30 + digest_of(UPGRADED, self.seed, account) % 40
            return known.time_ms < self.start_ms + length * share // 100
        return False


@dataclass(frozen=True, slots=True)
class _Known:
    """What a row says of itself before a fault changes it."""

    path: str
    name: str
    order: str
    symbol: str
    time_ms: int

    @classmethod
    def of(cls, row: Row, path: str) -> "_Known":
        name = "|".join(str(row[part]) for part in IDS if part in row)
        # An instrument has instants too, but it does not happen at any of them.
        dated = "launchTime" not in row
        text = next((str(row[part]) for part in TIMES if dated and row.get(part)), "0")
        time_ms = int(text) if text.isascii() and text.isdigit() else 0
        if len(text) < SECONDS_DIGITS_MAX:
            time_ms *= 1_000
        order, symbol = str(row.get("orderId", "")), str(row.get("symbol", ""))
        return cls(path, name, order, symbol, time_ms)

    def subject(self, fault: str) -> str:
        """What the luck of a fault belongs to: the row, or its order."""
        return self.order if fault in OF_ORDERS and self.order else self.name

    def struck_by(self, luck: RowLuck, fault: str) -> bool:
        """Whether a fault strikes this row."""
        return luck.strikes(
            fault, self.subject(fault), symbol=self.symbol, time_ms=self.time_ms, path=self.path
        )

    def covered_by(self, from_ms: int, to_ms: int | None) -> bool:
        """Whether the row's time lies in a range."""
        return from_ms <= self.time_ms and (to_ms is None or self.time_ms <= to_ms)


def _delay_ms(seed: int, name: str) -> int:
    number = digest_of("delay", seed, name)
    place, part = number % 1_000, number // 1_000
    longest = next(wait for share, wait in TAIL if place < share)
    return part % (longest + 1)
