"""Hypothesis profiles: `dev` for every run, `ci` deeper, `soak` for a night.

Chosen by FILLBOOK_HYPOTHESIS; `dev` when it is not set.
"""

import os

from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile(
    "dev", max_examples=100, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "ci", max_examples=1_000, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "soak", max_examples=100_000, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.load_profile(os.environ.get("FILLBOOK_HYPOTHESIS", "dev"))
