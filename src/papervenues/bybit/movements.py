"""Money that moves in and out of the account while its bots trade.

The default history has the first transfer only. A wide one also has coins to pay fees and to
back contracts with, deposits and withdrawals of the FUND wallet, transfers between the two,
interest, a bonus and a refund now and then. Amounts are small beside the first transfer.
"""

from papervenues.bybit.history import CashEvent
from papervenues.bybit.settings import DAY_MS, HOUR_MS, MINUTE_MS, Settings
from papervenues.bybit.values import E8
from papervenues.draws import Draws, digest_of

FIRST_TRANSFER_E8 = 1_000_000 * E8
FIRST_COINS = (("USDC", 400_000), ("BTC", 6), ("ETH", 80), ("MNT", 20_000))
MNT_AT_START_E8 = 20_000 * E8


def movements_of(settings: Settings, *, account: int) -> list[CashEvent]:
    """All movements of one account, oldest first."""
    events = [CashEvent(settings.start_ms, "TRANSFER_IN", FIRST_TRANSFER_E8)]
    if settings.is_wide:
        draws = Draws("movements", settings.seed, account)
        events += _first_coins(settings, account=account)
        for day in range(1, settings.days, 2):
            events += _of_a_day(settings.start_ms + day * DAY_MS, day, draws=draws)
    elif settings.faults.named("fee_coins"):
        events += [one for one in _first_coins(settings, account=account) if one.coin == "MNT"]
    return sorted((one for one in events if one.time_ms < settings.end_ms), key=_time_of)


def _time_of(event: CashEvent) -> int:
    return event.time_ms


def _first_coins(settings: Settings, *, account: int) -> list[CashEvent]:
    return [
        CashEvent(
            settings.start_ms, "TRANSFER_IN", amount * E8, coin=coin,
            reference=_reference("transfer", settings.seed, account, coin),
        )
        for coin, amount in FIRST_COINS
    ]  # fmt: skip


def _of_a_day(day_ms: int, day: int, *, draws: Draws) -> list[CashEvent]:
    """What happens on this day; kinds come in a fixed rotation, so that each occurs."""
    at = day_ms + draws.below(20 * HOUR_MS)
    amount = draws.between(50, 4_000) * E8 // 10 + draws.below(E8)
    name = _reference("movement", day, at, amount)
    turn = day // 2 % 8
    if turn == 0:
        # Money comes from the chain and goes on to the unified wallet.
        return [
            CashEvent(at, "DEPOSIT", amount, sub_kind="ETH", reference=name),
            CashEvent(at + 3 * MINUTE_MS, "TRANSFER_IN", amount, reference=name),
        ]
    if turn == 2:
        # Every third withdrawal goes to another user of the venue, on no chain.
        chain = "" if day // 16 % 3 == 2 else "ETH"
        return [
            CashEvent(at, "TRANSFER_OUT", -amount, reference=name),
            CashEvent(at + 5 * MINUTE_MS, "WITHDRAWAL", -amount, sub_kind=chain, reference=name),
        ]
    if turn == 4:
        return [
            CashEvent(at, "INTERNAL_DEPOSIT", amount, coin="USDC", reference=name),
            CashEvent(at + MINUTE_MS, "TRANSFER_IN", amount, coin="USDC", reference=name),
        ]
    kind, share = {
        1: ("INTEREST", -200), 3: ("BONUS", 20), 5: ("FEE_REFUND", 100), 6: ("AIRDROP", 10),
        7: ("BONUS_RECOLLECT", -50),
    }[turn]  # fmt: skip
    return [CashEvent(at, kind, amount // share, reference=name)]


def _reference(*parts: object) -> str:
    return f"{digest_of(*parts) % 10**20:020d}"
