"""The options of `python -m papervenues.bybit`, read into the settings of a run."""

import argparse
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from papervenues.bybit.limiter import DOCUMENTED, DOCUMENTED_WORD
from papervenues.bybit.settings import (
    ACCOUNTS_MAX,
    BOTS_MAX,
    CATEGORIES,
    DAYS_MAX,
    EXECUTIONS_MAX,
    MINUTE_MS,
    ONLY_LINEAR,
    Settings,
)
from papervenues.bybit.switches import SwitchError, Switches, parse_switch, switch_lines
from papervenues.faults import FaultError, FaultPlan, fault_lines, parse_fault

PORT_MAX = 65_535
PID_MAX = 2**31 - 1
RATE_MAX = 1_000_000
# Times outside of these are surely mistakes, such as seconds given for milliseconds.
END_MS_MIN = 1_000_000_000_000
END_MS_MAX = 4_000_000_000_000
WALL, VIRTUAL = "wall", "virtual"
EVERYTHING = "all"


def settings_of(arguments: argparse.Namespace, *, now_ms: int) -> Settings:
    """What the arguments ask for."""
    end_ms = arguments.end
    if end_ms is None:
        end_ms = now_ms // MINUTE_MS * MINUTE_MS
    return Settings(
        end_ms=end_ms,
        seed=arguments.seed,
        days=arguments.days,
        bots=arguments.bots,
        executions=arguments.executions,
        accounts=arguments.accounts,
        rate=arguments.rate,
        faults=FaultPlan(tuple(arguments.fault)),
        categories=arguments.categories,
        hedge=arguments.hedge,
        switches=Switches.of(arguments.switch),
        ip_limit=arguments.ip_limit,
    )


def parser() -> argparse.ArgumentParser:
    """All options of the command."""
    options = argparse.ArgumentParser(
        prog="paper bybit",
        description="A paper Bybit on loopback. Prints one JSON line with its address and keys.",
        epilog=_indented("faults", fault_lines()) + "\n" + _indented("switches", switch_lines()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = options.add_argument
    add("--port", type=_whole(0, PORT_MAX), default=0, help="0 takes any free port (default)")
    add("--seed", type=int, default=7, help="another seed, another history (default 7)")
    add("--executions", type=_whole(0, EXECUTIONS_MAX), default=60_000, metavar="N",
        help="about how many executions, over all accounts (default 60000)")  # fmt: skip
    add("--days", type=_whole(1, DAYS_MAX), default=90, help="length of history (default 90)")
    add("--bots", type=_whole(0, BOTS_MAX), default=3, help="bots on each account (default 3)")
    add("--accounts", type=_whole(1, ACCOUNTS_MAX), default=1, help="accounts (default 1)")
    add("--categories", type=_categories, default=ONLY_LINEAR, metavar="A,B",
        help="where bots trade: linear, inverse, spot, option or all (default linear)")  # fmt: skip
    add("--hedge", action="store_true", help="the linear symbols are in hedge mode")
    add("--clock", choices=(WALL, VIRTUAL), default=WALL,
        help="virtual: time stands at the end of history until it is moved")  # fmt: skip
    add("--rate", type=_rate, default=0,
        help="requests a second for each key and endpoint; 0 is no limit (default); "
        f"{DOCUMENTED_WORD}: each endpoint's own limit")  # fmt: skip
    add("--ip-limit", action="store_true",
        help="600 requests in 5 seconds from one address, then 403 for minutes")  # fmt: skip
    add("--end", type=_instant, default=None, metavar="T",
        help="last instant of history, ISO 8601 or Unix ms (default: this minute)")  # fmt: skip
    add("--parent", type=_whole(1, PID_MAX), default=None, metavar="PID",
        help="end by itself when this process, which started it, is gone")  # fmt: skip
    add("--fault", type=_fault, action="append", default=[], metavar="NAME=SHARE[@SCOPE]",
        help="a fault and how often; SCOPE is a symbol, an instant in ms that the window must "
        "contain, FROM..TO or an endpoint's path; repeatable")  # fmt: skip
    add("--switch", type=_switch, action="append", default=[], metavar="NAME=VALUE",
        help="how an open question of the venue's manual is answered; repeatable")  # fmt: skip
    return options


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and low <= int(text) <= high:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")

    return read


def _instant(text: str) -> int:
    try:
        end_ms = int(text) if text.isdigit() else _iso_ms(text)
    except ValueError:
        end_ms = 0
    if END_MS_MIN <= end_ms <= END_MS_MAX:
        return end_ms
    raise argparse.ArgumentTypeError(f"{text!r} is neither ISO 8601 nor Unix milliseconds")


def _iso_ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def _fault(text: str) -> object:
    try:
        return parse_fault(text)
    except FaultError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _categories(text: str) -> tuple[str, ...]:
    if text == EVERYTHING:
        return CATEGORIES
    asked = text.split(",")
    if not set(asked) <= set(CATEGORIES):
        raise argparse.ArgumentTypeError(f"{text!r} is not some of {', '.join(CATEGORIES)}, or all")
    # In the venue's order, whatever the order on the command line: equal sets, equal histories.
    return tuple(category for category in CATEGORIES if category in asked)


def _rate(text: str) -> int:
    return DOCUMENTED if text == DOCUMENTED_WORD else _whole(0, RATE_MAX)(text)


def _switch(text: str) -> str:
    try:
        parse_switch(text)
    except SwitchError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _indented(title: str, lines: Iterable[str]) -> str:
    return f"{title}:\n" + "\n".join(f"  {line}" for line in lines)
