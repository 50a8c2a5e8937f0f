"""A pytest plugin for the hunt: a failing example is enough, and need not be made small.

It registers the Hypothesis profile `mutants`, which FILLBOOK_HYPOTHESIS chooses.
"""

from hypothesis import HealthCheck, Phase, settings

PROFILE = "mutants"

settings.register_profile(
    PROFILE,
    max_examples=100,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    database=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
)
settings.load_profile(PROFILE)
