"""How long something has stood still that should move."""

import asyncio
from dataclasses import dataclass, field

Key = tuple[str, str]


def loop_time() -> float:
    """Seconds that no setting of a clock moves."""
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Stillness:
    """The last sign of each thing, and since when it has been the same."""

    _signs: dict[Key, tuple[object, float]] = field(default_factory=dict)

    def seconds(self, key: Key, sign: object, now: float) -> float:
        """For how long this sign has not changed; none at all where nothing is expected."""
        if sign is None:
            self._signs.pop(key, None)
            return 0.0
        last = self._signs.get(key)
        if last is None or last[0] != sign:
            self._signs[key] = (sign, now)
            return 0.0
        return now - last[1]

    def forget(self, key: Key) -> None:
        """It begins anew."""
        self._signs.pop(key, None)
