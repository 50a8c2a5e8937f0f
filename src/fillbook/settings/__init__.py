"""Settings: from the environment, a `.env` file in the working folder, and `fillbook.toml`.

The environment wins over `.env`, `.env` over the file. A name of ours that does not exist, or two
settings that contradict each other, is an error that names them: a typo must not pass as a default.
"""

from fillbook.settings.gathering import WITHOUT_EFFECT, load
from fillbook.settings.logins import Login, refuse_other_host
from fillbook.settings.values import Settings, default_home

__all__ = ["WITHOUT_EFFECT", "Login", "Settings", "default_home", "load", "refuse_other_host"]
