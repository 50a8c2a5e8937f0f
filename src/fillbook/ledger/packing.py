"""How a raw record's bytes are stored: packed one by one, so that each stays readable by itself.

A row of JSON is short and mostly field names; a dictionary that already holds them halves what
plain compression needs. Dictionaries are numbered and never changed: old rows need them for ever.
"""

import zlib

PLAIN = 0
ZLIB_1 = 1

BODY_BYTES_MAX = 1 << 20

_DICTIONARY_1 = (
    b'"execType":"BustTrade""AdlTrade""Settle""Delivery""SessionSettlePnL""BlockTrade""MovePosition"'
    b'"CreateByStopOrder""CreateByAdl_PassThrough""CreateByTakeOver_PassThrough""CreateByClosing"'
    b'"CreateByLiq""CreateByTrailingStop""CreateByTakeProfit""CreateByStopLoss""TrailingStop"'
    b'"TakeProfit""StopLoss""orderType":"UNKNOWN","stopOrderType":"UNKNOWN","execType":"Funding",'
    b'"createType":"CreateByUser","feeCurrency":"USDC","symbol":"ETHUSDT","symbol":"SOLUSDT",'
    b'"isMaker":true,"leavesQty":"0","closedSize":"0","feeRate":"0.0002","side":"Sell","orderId":"'
    b'{"symbol":"BTCUSDT","orderType":"Market","underlyingPrice":"","orderLinkId":"f1-","side":"Buy",'
    b'"indexPrice":"","orderId":"","stopOrderType":"UNKNOWN","leavesQty":"0","execTime":"17'
    b'","feeCurrency":"USDT","isMaker":false,"execFee":"0.","feeRate":"0.00055","execId":"'
    b'","tradeIv":"","blockTradeId":"","markPrice":"","execPrice":"","markIv":"","orderQty":"'
    b'","orderPrice":"","execValue":"","execType":"Trade","execQty":"","closedSize":"","extraFees":"",'
    b'"createType":"CreateByUser","seq":1,"marketUnit":""}'
)
_LEVEL = 6
_WINDOW_BITS = -12  # raw deflate, 4 KiB window: rows are short
_MEMORY_LEVEL = 5

_blank = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zdict=_DICTIONARY_1)


def pack(body: bytes) -> tuple[int, bytes]:
    """The codec used and the packed bytes."""
    packer = _blank.copy()
    packed = packer.compress(body) + packer.flush()
    return (ZLIB_1, packed) if len(packed) < len(body) else (PLAIN, body)


def unpack(codec: int, packed: bytes) -> bytes:
    """The bytes as they were received. Raises ValueError for what cannot be unpacked."""
    if codec == PLAIN:
        return packed
    if codec != ZLIB_1:
        raise ValueError(f"unknown codec {codec}")
    unpacker = zlib.decompressobj(_WINDOW_BITS, zdict=_DICTIONARY_1)
    try:
        body = unpacker.decompress(packed, BODY_BYTES_MAX)
    except zlib.error as error:
        raise ValueError(f"the packed bytes are damaged: {error}") from error
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("the packed bytes are damaged")
    return body
