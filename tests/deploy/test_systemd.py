"""The units: commands that exist, hardening that is on, and files that systemd itself accepts."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.commands import known_commands
from tests.tidy.source import ROOT

UNITS = ROOT / "deploy" / "systemd"
SERVICES = ("fillbook.service", "fillbook-backup.service")
PROGRAM = "/opt/fillbook/.venv/bin/fillbook "
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "CapabilityBoundingSet": "",
    "UMask": "0077",
    "User": "fillbook",
    "RestrictSUIDSGID": "yes",
    "LimitCORE": "0",
}


def unit(name: str) -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None, strict=True)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read_string((UNITS / name).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_units_are_hardened(name: str) -> None:
    """Neither is root, may become root, or may write elsewhere than in its own folders."""
    service = unit(name)["Service"]

    assert HARDENED == {key: service[key] for key in HARDENED}


@pytest.mark.parametrize("name", SERVICES)
def test_commands_exist(name: str) -> None:
    """What a unit runs is a command of the program."""
    service = unit(name)["Service"]
    said = [service[key].lstrip("-") for key in ("ExecStart", "ExecStopPost") if key in service]

    assert all(one.startswith(PROGRAM) for one in said)
    words = [re.split(r" -", one.removeprefix(PROGRAM))[0] for one in said]
    assert [] == [one for one in words if one not in known_commands()]


def test_the_service_is_watched() -> None:
    """It says when it is ready and that it is alive; a failure starts it again, a stop does not."""
    service = unit("fillbook.service")["Service"]

    assert ("notify", "on-failure", "mixed") == (
        service["Type"], service["Restart"], service["KillMode"]
    )  # fmt: skip
    assert 30 <= int(service["WatchdogSec"]) <= 300
    assert int(service["TimeoutStopSec"]) >= 10
    assert ("journal", "journal") == (service["StandardOutput"], service["StandardError"])


def test_the_timer_starts_the_backup() -> None:
    """Nightly, and after a night in which the machine was off."""
    timer = unit("fillbook-backup.timer")["Timer"]

    assert ("fillbook-backup.service", "yes") == (timer["Unit"], timer["Persistent"])
    assert "UTC" in timer["OnCalendar"]
    assert "--keep 14" in unit("fillbook-backup.service")["Service"]["ExecStart"]


def test_systemd_accepts_them(tmp_path: Path) -> None:
    """Every directive is one that systemd knows; the programs are put in place for the check."""
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not here")
    for path in UNITS.iterdir():
        text = path.read_text(encoding="utf-8").replace(PROGRAM.strip(), "/bin/true")
        (tmp_path / path.name).write_text(text)

    done = subprocess.run(
        [verify, "verify", *(str(path) for path in sorted(tmp_path.iterdir()))],
        check=False, capture_output=True, text=True,
    )  # fmt: skip

    said = [line for line in done.stderr.splitlines() if "fillbook" in line]
    assert (0, []) == (done.returncode, said)
