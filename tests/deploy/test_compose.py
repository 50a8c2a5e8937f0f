"""compose.yaml keeps to what it promises: loopback only, pinned, bounded, the names that are known.

There is no container engine where these tests run. What a file says can be held to all the same.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from fillbook import __version__
from fillbook.settings import Settings, load
from tests.deploy.commands import known_commands
from tests.deploy.plain_yaml import read_yaml
from tests.tidy.source import ROOT

OURS = ("migrate", "trade-sync-service", "page")
NAMES_OF_OTHERS = frozenset({"PGPASSWORD"})  # libpq's
PINNED = re.compile(r"[a-z0-9./-]+:\d+\.\d+[a-z0-9.-]*")
SECRET = "${POSTGRES_PASSWORD:?set it in .env}"


def compose() -> dict[str, Any]:
    return read_yaml((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def services() -> dict[str, Any]:
    found = compose()["services"]
    assert isinstance(found, dict)
    return found


def ports_beyond_loopback(found: dict[str, Any]) -> list[str]:
    """What would be reachable from another machine."""
    return [
        f"{name}: {port}"
        for name, service in found.items()
        for port in service.get("ports", [])
        if not (isinstance(port, str) and re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port))
    ]


def test_nothing_is_published_beyond_loopback() -> None:
    """Each published port names 127.0.0.1, and PostgreSQL has none."""
    found = services()

    assert ports_beyond_loopback(found) == []
    assert "ports" not in found["postgres"]
    assert ["127.0.0.1:6432:6432"] == found["pgbouncer"]["ports"]
    # What shares the machine's network listens on loopback by itself: it has no option to do else.
    assert ["page"] == [name for name, one in found.items() if one.get("network_mode") == "host"]


@pytest.mark.parametrize("port", ["6432:6432", "0.0.0.0:6432:6432", "[::]:80:80", 6432, "6432"])
def test_a_port_for_everybody_is_found(port: object) -> None:
    """Without an address Docker publishes to the world."""
    assert 1 == len(ports_beyond_loopback({"x": {"ports": [port]}}))


def test_names_are_those_that_were_promised() -> None:
    """Scripts say `docker-compose run --rm trade-sync-service`, people say trading_db."""
    found = services()

    assert {"postgres", "pgbouncer", "migrate", "trade-sync-service", "page"} == set(found)
    environment = found["postgres"]["environment"]
    assert ("trading_db", "trading_user", SECRET) == (
        environment["POSTGRES_DB"], environment["POSTGRES_USER"], environment["POSTGRES_PASSWORD"]
    )  # fmt: skip
    ours = found["trade-sync-service"]["environment"]
    assert "postgresql://trading_user@pgbouncer:6432/trading_db" == ours["DATABASE_URL"]
    assert "postgresql://trading_user@postgres:5432/trading_db" == ours["DATABASE_DIRECT_URL"]


@pytest.mark.parametrize("name", OURS)
def test_the_settings_are_settings(name: str) -> None:
    """Each variable is one that the program reads, and the program accepts them together."""
    environment = {key: str(value) for key, value in services()[name]["environment"].items()}
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}

    assert set(environment) - known - NAMES_OF_OTHERS == set()
    assert environment["DATABASE_URL"] == load(environment, folder=ROOT / "docs").external_database


def test_no_password_is_written_down() -> None:
    """The password comes from .env, and a start without one says so instead of guessing."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    found = services()

    assert not re.search(r"://[^@\s:]+:[^@\s]+@", text)
    assert {SECRET} == {
        value
        for service in found.values()
        for key, value in service["environment"].items()
        if key in ("PGPASSWORD", "POSTGRES_PASSWORD")
    }
    assert ".env" == found["trade-sync-service"]["env_file"]


def test_images_are_pinned() -> None:
    """By version; ours by the version of this program."""
    images = {name: service["image"] for name, service in services().items()}

    assert [] == [image for image in images.values() if not PINNED.fullmatch(image)]
    assert {f"fillbook:{__version__}"} == {images[name] for name in OURS}


def test_every_service_is_bounded() -> None:
    """In memory, in processors and in what it logs; and it comes back after a failure."""
    wrong = {}
    for name, service in services().items():
        limits = service["deploy"]["resources"]["limits"]
        logs, sizes = service["logging"], {"max-size", "max-file"}
        wrong[name] = [
            what
            for what, holds in {
                "limits": {"cpus", "memory"} == set(limits),
                "logs": logs["driver"] == "json-file" and sizes == set(logs["options"]),
                "restart": service["restart"] == ("no" if name == "migrate" else "unless-stopped"),
                "privileges": "no-new-privileges:true" in service["security_opt"],
                "root": name == "postgres" or service.get("read_only") is True,
                "capabilities": name == "postgres" or service.get("cap_drop") == ["ALL"],
            }.items()
            if not holds
        ]  # fmt: skip

    assert {name: [] for name in services()} == wrong


def test_the_service_starts_after_its_schema() -> None:
    """Migrations run on the direct address before the service does."""
    found = services()

    assert ["python", "main.py", "db", "migrate"] == found["migrate"]["command"]
    for name in ("trade-sync-service", "page"):
        waits = {other: how["condition"] for other, how in found[name]["depends_on"].items()}
        assert {
            "migrate": "service_completed_successfully", "pgbouncer": "service_healthy"
        } == waits  # fmt: skip


def test_volumes_are_declared() -> None:
    """Each named volume that is mounted stands at the end of the file, and none beside them."""
    assert set(compose()["volumes"]) == set(_mounted())


def _mounted() -> Iterator[str]:
    for service in services().values():
        for volume in service.get("volumes", []):
            yield volume.split(":")[0]


def commands() -> Iterator[list[str]]:
    """Everything that a container of ours is told to run."""
    for name in OURS:
        service = services()[name]
        yield service["command"]
        check = service["healthcheck"]
        if "test" in check:
            yield check["test"][1:]


def test_commands_exist() -> None:
    """What containers run are commands of the program."""
    known = known_commands()
    said = [" ".join(command[2:]) for command in commands()]

    assert all(command[:2] == ["python", "main.py"] for command in commands())
    assert [] == [words for words in said if words not in known]
    assert {"run", "health", "db migrate", "serve"} == set(said)
