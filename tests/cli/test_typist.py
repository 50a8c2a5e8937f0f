"""Whoever types a command has a name in the ledger."""

import os
import subprocess
import sys

import pytest

NAMELESS = 54_321
# The number is changed after everything is loaded: a nobody may not read the installation.
PROGRAM = f"""
import os, pwd
from fillbook.faces.cli.typist import typist
for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
    os.environ.pop(name, None)
os.setuid({NAMELESS})
print(typist())
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become somebody else")
def test_a_user_without_a_name_has_a_number() -> None:
    """As in a container that runs under any number: no command fails for that."""
    said = subprocess.run(
        (sys.executable, "-c", PROGRAM), capture_output=True, text=True, check=True, timeout=60
    )

    assert said.stdout.strip() == f"uid {NAMELESS}"
