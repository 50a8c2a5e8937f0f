"""How a benchmark reports that sets several programs side by side: one row for each."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence


def report_rows(
    name: str, rows: Sequence[Mapping[str, object]], figures: Mapping[str, object]
) -> None:
    """Print rows as a table, then single figures, then all as a line of JSON."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    load = round(os.getloadavg()[0], 1)
    sys.stdout.write(f"{name} ({machine}, load {load})\n")
    columns = list(rows[0])
    lines = [[column.replace("_", " ") for column in columns]]
    lines += [[str(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        sys.stdout.write("  " + "  ".join(cells).rstrip() + "\n")
    for what, value in figures.items():
        sys.stdout.write(f"  {what.replace('_', ' '):<36}{value}\n")
    told = {"benchmark": name, "machine": machine, "load": load}
    sys.stdout.write(json.dumps(told | {"rows": list(map(dict, rows))} | dict(figures)) + "\n")
