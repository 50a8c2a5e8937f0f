"""How a benchmark reports: a table for people, a line of JSON for machines."""

import json
import os
import platform
import sys
from collections.abc import Mapping


def report(name: str, figures: Mapping[str, object]) -> None:
    """Print what was measured, with the machine it was measured on."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    sys.stdout.write(f"{name} ({machine}, load {os.getloadavg()[0]:.1f})\n")
    for what, value in figures.items():
        sys.stdout.write(f"  {what.replace('_', ' '):<36}{value}\n")
    sys.stdout.write(json.dumps({"benchmark": name, "machine": machine, **figures}) + "\n")
