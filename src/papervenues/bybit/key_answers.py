"""What the venue says of the key that asks, of its account, and of the coins it lists."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from papervenues.bybit.asked import Asked
from papervenues.bybit.settings import DAY_MS, ApiKey
from papervenues.bybit.vocabulary import COINS
from papervenues.draws import digest_of

KEY_CREATED = "2025-01-06T08:00:00Z"
NEVER = "1970-01-01T00:00:00Z"
# A key without any address expires after so many days at the venue.
EVERYWHERE = ["*"]
ID_BOUND = 10**8
TRADE_PERMISSIONS = {
    "ContractTrade": ["Order", "Position"],
    "Spot": ["SpotTrade"],
    "Wallet": ["AccountTransfer", "SubMemberTransferList"],
    "Options": ["OptionsTrade"],
    "Derivatives": ["DerivativesTrade"],
    "Exchange": ["ExchangeHistory"],
    "Earn": [],
}
WITHDRAW = "Withdraw"
CHAINS = {
    "BTC": "BTC", "XRP": "XRP", "SOL": "SOL", "DOGE": "DOGE", "ADA": "ADA",
}  # fmt: skip
CHAIN_DEFAULT = "ETH"


def query_api(asked: Asked) -> bytes:
    """`/v5/user/query-api`."""
    key = asked.signer
    owner = asked.venue.settings.user_id(key.account)
    user_id = owner if key.is_master else sub_user_id(owner)
    deadline, expires = _expiry(key, now_ms=asked.now_ms)
    return msgspec.json.encode(
        {
            "id": str(digest_of("key id", owner, key.kind) % ID_BOUND),
            "note": f"paper {key.kind}",
            "apiKey": key.key,
            "readOnly": 1 if key.read_only else 0,
            "secret": "",
            "permissions": _permissions(key),
            "ips": list(key.addresses) or EVERYWHERE,
            "type": 1,
            "deadlineDay": deadline,
            "expiredAt": expires,
            "createdAt": KEY_CREATED,
            "unified": 0,
            "uta": 1,
            "userID": user_id,
            "inviterID": 0,
            "vipLevel": "No VIP",
            "mktMakerLevel": "0",
            "affiliateID": 0,
            "rsaPublicKey": "",
            "isMaster": key.is_master,
            "parentUid": "0" if key.is_master else str(owner),
            "kycLevel": "LEVEL_DEFAULT",
            "kycRegion": "",
        }
    )


def sub_user_id(owner: int) -> int:
    """The number of an account's sub-account."""
    return owner + ID_BOUND * 10


def account_info(_asked: Asked) -> bytes:
    """`/v5/account/info`: a unified account 2.0 pro with regular margin."""
    return msgspec.json.encode(
        {
            "marginMode": "REGULAR_MARGIN",
            "updatedTime": "1697078946000",
            "unifiedMarginStatus": 6,
            "dcpStatus": "OFF",
            "timeWindow": 0,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
        }
    )


def coin_info(asked: Asked) -> bytes:
    """`/v5/asset/coin/query-info`."""
    wanted = asked.query.get("coin", "")
    rows = [_coin(coin) for coin in COINS if wanted in ("", coin)]
    return msgspec.json.encode({"rows": rows})


def _permissions(key: ApiKey) -> Mapping[str, list[str]]:
    if key.read_only:
        # A key that only reads names what it may read; `readOnly` says that it may not act.
        return {name: [] for name in TRADE_PERMISSIONS}
    if key.can_withdraw:
        wallet = [*TRADE_PERMISSIONS["Wallet"], WITHDRAW]
        return TRADE_PERMISSIONS | {"Wallet": wallet}
    return TRADE_PERMISSIONS


def _expiry(key: ApiKey, *, now_ms: int) -> tuple[int, str]:
    """Days left and the date; a key bound to addresses or without a date never ends."""
    if not key.expires_ms:
        return -1, NEVER
    days = max(0, (key.expires_ms - now_ms) // DAY_MS)
    moment = datetime.fromtimestamp(key.expires_ms // 1000, tz=UTC)
    return days, moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _coin(coin: str) -> dict[str, object]:
    chain = CHAINS.get(coin, CHAIN_DEFAULT)
    return {
        "name": coin,
        "coin": coin,
        "remainAmount": "10000000",
        "chains": [
            {
                "chain": chain,
                "chainType": chain,
                "confirmation": "6",
                "withdrawFee": "0.001",
                "depositMin": "0",
                "withdrawMin": "0.01",
                "withdrawMax": "100000",
                "minAccuracy": "8",
                "chainDeposit": "1",
                "chainWithdraw": "1",
                "withdrawPercentageFee": "0",
                "contractAddress": "",
                "safeConfirmNumber": "12",
            }
        ],
    }
