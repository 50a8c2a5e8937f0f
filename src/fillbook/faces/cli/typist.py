"""Who typed this command? The word that the ledger keeps beside what was done by hand."""

import getpass
import os


def typist() -> str:
    """The name of the user; the number of one without a name, as containers have it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the first up to Python 3.12, the second from 3.13 on
        return f"uid {os.getuid()}"
