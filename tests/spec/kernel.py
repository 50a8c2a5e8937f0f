"""The kernel as an engine: facts of a case in, its tables out, nothing stored."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import reduce
from uuid import UUID
from zoneinfo import ZoneInfo

from fillbook.accounting.as_fills import as_fill, as_funding
from fillbook.accounting.known import Known
from fillbook.accounting.leg import Line, Match, StretchState
from fillbook.accounting.valuation import Prices
from fillbook.domain.client_tag import compiled
from fillbook.domain.execution import Execution
from fillbook.domain.instrument import LegName
from fillbook.domain.money import EXACT, text
from fillbook.domain.statement import Intent, OpeningBalance, Price, TagPattern
from tests.spec.facts import Told
from tests.spec.laying import Kept, Kit, Way
from tests.spec.stated import LEGS, assigned, in_force
from tests.spec.tables import Case, Row, Tables
from tests.spec.times import STARTED, milliseconds

UNKNOWN = "?"
Arrival = Callable[[Sequence[Execution]], Sequence[Execution]]


def laid(told: Told, way: Way, arrival: Arrival = list) -> dict[str, Kit]:
    """Each leg of the case, laid."""
    executions = arrival(in_force(told.latest, told.statements))
    used = {one.leg for one in executions} | {flow.leg for flow in told.flows}
    used |= {one.name.leg for one in told.statements if isinstance(one, OpeningBalance)}
    found: dict[str, Kit] = {}
    for leg in (leg for leg in LEGS.values() if leg in used):
        name = LegName(told.terms.category, told.terms.symbol, leg)
        known = _known(told, name)
        fills = [as_fill(one, known) for one in executions if one.leg == leg]
        flows = [as_funding(one, known, told.currency) for one in told.flows if one.leg == leg]
        found[leg] = way(StretchState(name, STARTED), fills, flows, known)
    return found


def _known(told: Told, name: LegName) -> Known:
    said = told.statements
    patterns = [one.pattern for one in said if isinstance(one, TagPattern)]
    return Known(
        terms=told.terms,
        tag_pattern=compiled(patterns[-1]) if patterns else None,
        openings=[one for one in said if isinstance(one, OpeningBalance) and one.name == name],
        prices=Prices(one for one in said if isinstance(one, Price)),
        assigned=assigned(said),
        intents={one.client_order_id: one for one in said if isinstance(one, Intent)},
        orders={order.order_key: order for order in told.orders},
    )


def outcome(case: Case, told: Told, legs: dict[str, Kit]) -> Tables:
    """What came out, in the form of the tables."""
    telling = _Telling(
        {one.execution_key: one.execution_id for one in told.executions}
        | {flow.cash_key: flow.flow_id for flow in told.flows},
        told.terms.qty_min or Decimal(0),
    )
    tables: Tables = {name: [] for name in _TABLES}
    for leg, kit in legs.items():
        for table, rows_of in _TABLES.items():
            tables[table] += [{"leg": leg, **row} for row in rows_of(kit, telling)]
    return tables | {"sums": _sums(case, legs)}


@dataclass(frozen=True, slots=True)
class _Telling:
    """How a case calls its executions and payments, and what it takes for flat."""

    names: dict[UUID, str]
    qty_min: Decimal

    def of(self, line: Line) -> str:
        """What a line is made of; some are made of no execution."""
        if line.key is not None:
            return self.names[line.key]
        return "outside" if line.evidence == "outside_holdings" else "opening"


def _trades(kit: Kit, telling: _Telling) -> Iterator[Row]:
    for owner, kept in kit.books.items():
        for match in kept.matches:
            fees = _sum([match.entry_fee, match.exit_fee])
            yield {
                "owner": owner,
                "direction": "long" if match.direction > 0 else "short",
                "entry": telling.of(match.entry),
                "exit": telling.of(match.exit),
                "qty": text(_length(match)),
                "gross": _text(match.gross),
                "fees": _text(fees),
                "funding": text(match.funding),
                "net": _text(_net(match.gross, fees, match.funding)),
                "reason": match.exit_reason,
                "entry value": _text(match.entry_value),
                "exit value": _text(match.exit_value),
            }


def _positions(kit: Kit, _: _Telling) -> Iterator[Row]:
    for owner, kept in kit.books.items():
        if position := _position(kept.lines):
            yield {"owner": owner, "qty": text(position)}


def _lots(kit: Kit, telling: _Telling) -> Iterator[Row]:
    for owner, kept in kit.books.items():
        for line, start in _open(kept):
            qty = text(EXACT.subtract(line.end, start))
            price = _text(line.price)
            yield {"owner": owner, "entry": telling.of(line), "qty": qty, "price": price}


def _shares(kit: Kit, telling: _Telling) -> Iterator[Row]:
    for owner, kept in kit.books.items():
        for line in kept.lines:
            yield {
                "owner": owner,
                "execution": telling.of(line),
                "qty": text(_length(line)),
                "reason": line.reason,
                "evidence": line.evidence,
                "owner evidence": line.owner_evidence,
                "unread": "yes" if line.tag_unread else "",
            }


def _trips(kit: Kit, telling: _Telling) -> Iterator[Row]:
    for owner, kept in kit.books.items():
        for trip in kept.trips:
            inside = [match for match in kept.matches if trip.start <= match.start < trip.end]
            yield {
                "owner": owner,
                "state": "closed",
                "opened": milliseconds(inside[0].entry.at),
                "closed": milliseconds(trip.ended_at),
                **_figures(inside),
            }
        start = kept.trips[-1].end if kept.trips else Decimal(0)
        inside = [match for match in kept.matches if match.start >= start]
        held = abs(_position(kept.lines))
        if inside or (held and held >= telling.qty_min):
            opened = inside[0].entry.at if inside else _open(kept)[0][0].at
            yield {
                "owner": owner,
                "state": "open",
                "opened": milliseconds(opened),
                "closed": "",
                **_figures(inside),
            }


def _figures(matches: Sequence[Match]) -> Row:
    fees = _sum([fee for match in matches for fee in (match.entry_fee, match.exit_fee)])
    gross = _sum([match.gross for match in matches])
    funding = _total(match.funding for match in matches)
    return {
        "qty": text(_total(_length(match) for match in matches)),
        "gross": _text(gross),
        "fees": _text(fees),
        "funding": text(funding),
        "net": _text(_net(gross, fees, funding)),
    }


def _events(kit: Kit, telling: _Telling) -> Iterator[Row]:
    for owner, kept in kit.books.items():
        before = Decimal(0)
        for line in kept.lines:
            after = EXACT.add(before, EXACT.multiply(_length(line), Decimal(line.side)))
            event = _event(before, after)
            execution = telling.of(line)
            yield {"owner": owner, "execution": execution, "event": event, "after": text(after)}
            before = after


def _event(before: Decimal, after: Decimal) -> str:
    if not before:
        return "opened"
    if not after:
        return "closed"
    if (before > 0) != (after > 0):
        return "reversed"
    return "increased" if abs(after) > abs(before) else "reduced"


def _alarms(kit: Kit, telling: _Telling) -> Iterator[Row]:
    for alarm in kit.alarms:
        yield {"kind": alarm.kind, "execution": telling.names[alarm.key]}


def _opening(kit: Kit, _: _Telling) -> Iterator[Row]:
    stretch = kit.stretch
    yield {"qty": _text(stretch.opening_qty), "evidence": stretch.opening_evidence}


def _unattached(kit: Kit, telling: _Telling) -> Iterator[Row]:
    for cost in kit.unattached:
        what = telling.names[cost.key]
        yield {"kind": cost.kind, "of": what, "amount": _text(cost.amount)}


_TABLES: dict[str, Callable[[Kit, _Telling], Iterator[Row]]] = {
    "trades": _trades,
    "positions": _positions,
    "lots": _lots,
    "shares": _shares,
    "round trips": _trips,
    "events": _events,
    "alarms": _alarms,
    "opening": _opening,
    "unattached": _unattached,
}


def _sums(case: Case, legs: dict[str, Kit]) -> list[Row]:
    """What was realised by day, week or month of a zone: a match counts when it is left."""
    wanted = {(row["zone"], row["by"]) for row in case.rows("sums")}
    found: dict[tuple[str, str, str], Decimal] = {}
    matches = [one for kit in legs.values() for kept in kit.books.values() for one in kept.matches]
    for zone, period in sorted(wanted):
        for match in matches:
            assert match.gross is not None, "sums of what is unknown"
            begun = (zone, period, _begins(match, zone, period))
            found[begun] = EXACT.add(found.get(begun, Decimal(0)), match.gross)
    return [
        {"zone": zone, "by": period, "starts": starts, "gross": text(gross)}
        for (zone, period, starts), gross in found.items()
    ]


def _begins(match: Match, zone: str, period: str) -> str:
    day = match.exit.at.astimezone(ZoneInfo(zone)).date()
    if period == "week":
        day -= timedelta(days=day.weekday())
    return (day.replace(day=1) if period == "month" else day).isoformat()


def _length(units: Line | Match) -> Decimal:
    return EXACT.subtract(units.end, units.start)


def _position(lines: Sequence[Line]) -> Decimal:
    return _total(EXACT.multiply(_length(line), Decimal(line.side)) for line in lines)


def _open(kept: Kept) -> list[tuple[Line, Decimal]]:
    """The lots that are open, and where the open part of each begins."""
    ends = [max((line.end for line in kept.lines if line.side == side), default=Decimal(0))
            for side in (1, -1)]  # fmt: skip
    return [(line, max(line.start, min(ends))) for line in kept.lines if line.end > min(ends)]


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    """None when any of them is unknown."""
    known = [value for value in values if value is not None]
    return _total(known) if len(known) == len(values) else None


def _total(values: Iterable[Decimal]) -> Decimal:
    return reduce(EXACT.add, values, Decimal(0))


def _net(gross: Decimal | None, fees: Decimal | None, funding: Decimal) -> Decimal | None:
    if gross is None or fees is None:
        return None
    return EXACT.subtract(EXACT.subtract(gross, fees), funding)


def _text(value: Decimal | None) -> str:
    return UNKNOWN if value is None else text(value)
