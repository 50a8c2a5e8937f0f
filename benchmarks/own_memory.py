"""The most resident memory that this program has had; by the kernel's own account of it.

Not by `getrusage`: there a program begins with the memory of the one that started it.
"""

from pathlib import Path

STATUS = Path("/proc/self/status")
PEAK = "VmHWM:"
KIB = 1024


def peak_mib() -> int:
    """In MiB, so far."""
    found = next(line for line in STATUS.read_text().splitlines() if line.startswith(PEAK))
    return round(int(found.split()[1]) / KIB)
