"""When does Python look for cycles? Not while a leg is laid.

Laying makes many small values that hold no cycles and are all kept; looking through them again and
again takes as long as laying them. Memory is given back by counting references, as ever.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """No search for cycles inside; afterwards as before."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
