"""How the embedded server is set up, and why.

The settings lie in a file of ours that the cluster's `postgresql.conf` includes; it is written anew
before each start. `ALTER SYSTEM` wins over it, so an owner's own tuning stays.
"""

from collections.abc import Mapping
from pathlib import Path

FILE_NAME = "fillbook.conf"
INCLUDE_LINE = f"include_if_exists = '{FILE_NAME}'"

# name, value, reason
SETTINGS: tuple[tuple[str, str, str], ...] = (
    ("listen_addresses", "", "no TCP: nobody but this machine's user can reach the book"),
    ("port", "5432", "names the socket, whatever PGPORT says"),
    ("unix_socket_permissions", "0700", "trust is for the server's own user and root"),
    ("fsync", "on", "what was committed is on the disk"),
    ("full_page_writes", "on", "a torn page after a power cut can be mended"),
    ("synchronous_commit", "on", "a page of fills is said to be booked when it is"),
    ("wal_compression", "pglz", "backfills write many full pages; they shrink well"),
    ("max_wal_size", "512MB", "bounds crash recovery to some ten seconds; default 1 GB took 22"),
    ("checkpoint_timeout", "5min", "bounds it for quiet days too"),
    ("shared_buffers", "256MB", "holds the indexes of some ten million fills; taken as needed"),
    ("effective_cache_size", "1GB", "the system's cache counts; index plans are not feared"),
    ("work_mem", "16MB", "reports sort in memory; few connections, so it is affordable"),
    ("maintenance_work_mem", "128MB", "index builds and vacuum after a rebuild"),
    ("random_page_cost", "1.1", "disks are solid-state today"),
    ("jit", "off", "its start-up costs more than our short queries take"),
    ("max_connections", "60", "a few pools of four and some people with psql"),
    ("idle_in_transaction_session_timeout", "10min", "a paused client must not hold an account"),
    ("timezone", "UTC", "times are UTC"),
    ("log_timezone", "UTC", "in the log too"),
    ("lc_messages", "C", "messages are read by this program"),
    ("log_min_messages", "log", "errors go to the client; the log stays small"),
    ("log_min_error_statement", "panic", "no statement, hence nothing private, in the log"),
    ("log_checkpoints", "off", "the log stays small"),
)


def write_settings(cluster: Path, *, socket_dir: Path, extra: Mapping[str, str]) -> None:
    """Write the settings beside the cluster's own, whole or not at all."""
    unfinished = cluster / f"{FILE_NAME}.new"
    unfinished.write_text(render_settings(socket_dir=socket_dir, extra=extra))
    unfinished.replace(cluster / FILE_NAME)
    main = cluster / "postgresql.conf"
    if INCLUDE_LINE not in main.read_text().splitlines():
        with main.open("a") as file:
            file.write(f"\n{INCLUDE_LINE}\n")


def render_settings(*, socket_dir: Path, extra: Mapping[str, str]) -> str:
    """Return the text of the file. A later line wins, so `extra` comes last."""
    lines = ["# Written by Fillbook before each start. Use ALTER SYSTEM for settings of your own."]
    lines += [f"{name} = {_quoted(value)}  # {why}" for name, value, why in SETTINGS]
    lines.append(f"unix_socket_directories = {_quoted(_listed(socket_dir))}")
    lines += [f"{name} = {_quoted(value)}" for name, value in extra.items()]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _listed(path: Path) -> str:
    # The setting is a list: a path with a comma or a blank needs its own quotes.
    return '"' + str(path).replace('"', '""') + '"'
