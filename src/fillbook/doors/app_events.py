"""`register_exchange_sync_events(app)`: the service inside somebody's FastAPI application.

It starts when the application starts and stops when it shuts down, whatever handlers of its own the
application has. It never takes the application down: what goes wrong is logged, said in
`app.state.exchange_sync`, and tried again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from fillbook.errors import FillbookError, SettingError, in_words
from fillbook.venues._logger import get_logger
from fillbook.wiring.embedding import keep_logs, sync_settings

if TYPE_CHECKING:
    from fillbook.wiring.running import Health, Service

log = get_logger()

RETRY_SECONDS_MIN = 1.0
RETRY_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 8.0  # the service finishes its page within five

State = Literal["not started", "disabled", "starting", "running", "waiting", "failed", "stopped"]
Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


class _Router(Protocol):
    lifespan_context: Lifespan


class Application(Protocol):
    """A FastAPI or Starlette application, as far as it is needed here."""

    state: Any

    @property
    def router(self) -> Any:  # noqa: ANN401 - each framework has its own
        """Where its lifespan lives."""
        ...


@dataclass(slots=True)
class ExchangeSync:
    """The service of an application: found as `app.state.exchange_sync`."""

    account: str | None = None
    state: State = "not started"
    error: str | None = None  # the last one; None while all is well
    service: "Service | None" = None
    _task: "asyncio.Task[None] | None" = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def health(self) -> "Health | None":
        """What the service says of itself; None while there is none."""
        return None if self.service is None else await self.service.health()

    def start(self) -> None:
        """Begin, beside whatever the application does. Nothing is waited for."""
        self._stopping = asyncio.Event()
        self.state, self.error = "starting", None
        self._task = asyncio.create_task(self._keep_running(), name="fillbook exchange sync")

    async def stop(self) -> None:
        """Finish the page that is being booked, and end; an error here is only logged."""
        self._stopping.set()
        task, self._task = self._task, None
        if task is not None:
            if self.service is not None:
                self.service.stop()
                await asyncio.wait([task], timeout=STOP_SECONDS_MAX)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self.state not in ("disabled", "failed"):
            self.state = "stopped"

    async def _keep_running(self) -> None:
        pause = RETRY_SECONDS_MIN
        while not self._stopping.is_set():
            begun = asyncio.get_running_loop().time()
            try:
                if await self._run():
                    return
            except SettingError as error:  # only a restart can mend it
                self._failed("failed", error)
                return
            except Exception as error:  # noqa: BLE001 - not even a defect may end the application
                self._failed("waiting", error)
            if asyncio.get_running_loop().time() - begun > RETRY_SECONDS_MAX:
                pause = RETRY_SECONDS_MIN
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            pause = min(pause * 2, RETRY_SECONDS_MAX)

    async def _run(self) -> bool:
        """Run until the service ends; true when it is not to be begun again."""
        from fillbook.wiring.running import service

        settings = sync_settings()
        keep_logs(settings)
        if not settings.sync_enabled:
            self.state = "disabled"
            log.info("exchange sync is disabled", setting="EXCHANGE_SYNC_ENABLED")
            return True
        async with service(settings, account=self.account) as running:
            self.service = running
            try:
                self.state, self.error = "running", None
                if self._stopping.is_set():
                    return True
                await running.run()
            finally:
                self.service = None
        return self._stopping.is_set()

    def _failed(self, state: State, error: Exception) -> None:
        said = in_words(error)
        is_news, self.state, self.error = said != self.error, state, said
        if is_news:
            known = isinstance(error, FillbookError)
            log.error("exchange sync failed", reason=said, exc_info=None if known else error)


def register_exchange_sync_events(app: Application, *, account: str | None = None) -> ExchangeSync:
    """Start the service with the application, and stop it with it; once, however often called."""
    known = getattr(app.state, "exchange_sync", None)
    if isinstance(known, ExchangeSync):
        return known
    sync = ExchangeSync(account)
    app.state.exchange_sync = sync
    router: _Router = app.router
    router.lifespan_context = _around(router.lifespan_context, sync)
    return sync


def _around(inner: Lifespan, sync: ExchangeSync) -> Lifespan:
    """The application's own lifespan, with the service inside it."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - the framework's own
        async with inner(app) as state:
            sync.start()
            try:
                yield state
            finally:
                await sync.stop()

    return lifespan
