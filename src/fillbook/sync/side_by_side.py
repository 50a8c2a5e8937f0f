"""Doing several things at once, whose first error is everybody's."""

import asyncio
from collections.abc import Coroutine, Iterable

from fillbook.errors import DatabaseUnavailable, StaleFence
from fillbook.venues._logger import get_logger

log = get_logger()

# What explains the others, when several come at once.
WEIGHTY = (DatabaseUnavailable, StaleFence)


async def side_by_side(work: Iterable[Coroutine[object, object, None]]) -> None:
    """Do it all at once. The first error cancels what is left and is raised, bare."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as together:
        errors = _flat(together)
    else:
        return
    told = next((one for one in errors if isinstance(one, WEIGHTY)), errors[0])
    for other in errors:
        if other is not told:
            log.warning("failed beside another", error=f"{type(other).__name__}: {other}")
    raise told


def _flat(together: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    flat: list[BaseException] = []
    for one in together.exceptions:
        flat += _flat(one) if isinstance(one, BaseExceptionGroup) else [one]
    return flat
