"""Every exception of Fillbook, in one tree. The base class is the policy.

::

    FillbookError                       retry: no    HTTP 500   exit 1
    ├── UsageError                      retry: no    HTTP 400   exit 2   the caller asked for nonsense
    │   ├── SettingError                                                 a setting is unknown or contradicts
    │   └── NotFound                                 HTTP 404            no such thing
    ├── Refused                         retry: no    HTTP 403            allowed to nobody, or not to you
    │   └── Unauthenticated                          HTTP 401
    ├── Unproven                        retry: no    HTTP 409   exit 3   partly done; run it again to resume
    │   ├── WindowUnproven                                               a window was not read to its end
    │   ├── LeaseHeld                                                    another worker syncs this stream
    │   └── StaleFence                                                   we were that other worker, and woke up late
    ├── VenueError                      retry: no    HTTP 502   exit 1   the venue said no
    │   ├── VenueKeyError                                                key, secret, address, account state
    │   │   └── VenuePermissionRefused                                   the key is good, and lacks this right
    │   ├── VenueClockError                                              our clock and the venue's disagree
    │   ├── VenueNotOffered                                              this account does not have this product
    │   ├── VenueRequestError                                            the venue did not accept what we asked
    │   └── VenueUnavailable            retry: yes   HTTP 503            overload, broken body, lost connection
    │       └── VenueRateLimited                                         too fast; `retry_at` says until when
    └── LedgerError                     retry: no    HTTP 500   exit 1   the book itself
        ├── DatabaseUnavailable         retry: yes   HTTP 503            no server, or it went away
        ├── DatabaseRefused                                              version, pooler, permission, disk
        ├── MigrationError                                               the schema cannot be brought up to date
        │   ├── SchemaConflict                                           real tables stand where views must go
        │   └── SchemaTooNew                                             a newer Fillbook wrote this database
        ├── BackupUnusable                                               the file is damaged, or does not fit here
        └── VerifyFailed                                                 recomputed state differs

A docstring is the default message. A message is one sentence that says what to do next.
"""

from datetime import datetime


class FillbookError(Exception):
    """Something went wrong inside Fillbook."""

    retry = False
    http_status = 500
    exit_code = 1

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


def in_words(error: BaseException) -> str:
    """What is said of an error: our own are sentences already, others are named by their type."""
    return str(error) if isinstance(error, FillbookError) else f"{type(error).__name__}: {error}"


class UsageError(FillbookError):
    """That request does not make sense."""

    http_status = 400
    exit_code = 2


class SettingError(UsageError):
    """A setting is unknown or contradicts another."""


class NotFound(UsageError):
    """There is no such thing."""

    http_status = 404


class Refused(FillbookError):
    """That is not allowed."""

    http_status = 403


class Unauthenticated(Refused):
    """A valid token is needed."""

    http_status = 401


class Unproven(FillbookError):
    """Part of the work is not proven; run it again to resume."""

    http_status = 409
    exit_code = 3


class WindowUnproven(Unproven):
    """A window was not read to its end."""


class LeaseHeld(Unproven):
    """Another worker is syncing this stream."""


class StaleFence(Unproven):
    """This worker lost its lease to another one and must not write."""


class VenueError(FillbookError):
    """The venue refused."""

    http_status = 502

    def __init__(self, message: str | None = None, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class VenueKeyError(VenueError):
    """The venue does not accept this key: check key, secret, permissions and bound addresses."""


class VenuePermissionRefused(VenueKeyError):
    """The key may not read this: give it the permission, or go without."""


class VenueClockError(VenueError):
    """This machine's clock and the venue's differ too much: synchronise the clock (NTP)."""


class VenueNotOffered(VenueError):
    """The account's mode does not offer this product."""


class VenueRequestError(VenueError):
    """The venue did not accept the request."""


class VenueUnavailable(VenueError):
    """The venue did not answer properly; try again later."""

    retry = True
    http_status = 503


class VenueRateLimited(VenueUnavailable):
    """The venue asked for fewer requests."""

    def __init__(
        self,
        message: str | None = None,
        *,
        code: int | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.retry_at = retry_at


class LedgerError(FillbookError):
    """The ledger cannot do that."""


class DatabaseUnavailable(LedgerError):
    """The database does not answer: is PostgreSQL running there?"""

    retry = True
    http_status = 503


class DatabaseRefused(LedgerError):
    """The database cannot be used as it is."""


class MigrationError(LedgerError):
    """The schema cannot be brought up to date."""


class SchemaConflict(MigrationError):
    """The schema `trading` already holds real tables under the names of Fillbook's views."""


class SchemaTooNew(MigrationError):
    """This database was written by a newer Fillbook: upgrade this program."""


class BackupUnusable(LedgerError):
    """This backup cannot be used."""


class VerifyFailed(LedgerError):
    """The recomputed state differs from the stored one."""
