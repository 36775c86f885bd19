"""What is done: ask an LDAP server without anybody else waiting for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

from harbor.core.errors import Unavailable
from harbor.directory.service.filters import LdapSettings

if TYPE_CHECKING:
    from harbor.directory.service.ldap_client import Client

T = TypeVar("T")
THREADS = 8  # conversations at a time
OPERATIONS = 3  # that a whole conversation may take the time of
TIMEOUT = "ldap server network timeout"


class Ldap:
    """Conversations with LDAP servers, in a few threads of their own.

    A server that hangs takes these threads at most, and each for a while only: whoever signs in
    in another way does not notice.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "ldap")
        self._free = asyncio.Semaphore(THREADS)

    async def ask(self, settings: LdapSettings, question: "Callable[[Client], T]") -> T:
        """The answer; ``Unavailable`` says why there is none, in the words of Harbor's clients."""
        talk = Talk(settings, question)
        try:
            async with asyncio.timeout(settings.timeout_s * OPERATIONS):
                await self._free.acquire()
                job = asyncio.get_running_loop().run_in_executor(self._threads, talk)
                job.add_done_callback(self._ended)
                return await asyncio.shield(job)
        except TimeoutError as error:
            talk.cut()
            raise Unavailable(TIMEOUT) from error

    def _ended(self, job: "asyncio.Future[T]") -> None:
        self._free.release()
        if not job.cancelled():
            job.exception()  # nobody may be waiting for it any more

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Talk(Generic[T]):
    """One conversation, which can be ended from outside."""

    def __init__(self, settings: LdapSettings, question: "Callable[[Client], T]") -> None:
        self._settings, self._question = settings, question
        self._client: Client | None = None
        self._is_cut = False

    def cut(self) -> None:
        self._is_cut = True
        if self._client is not None:
            self._client.cut()

    def __call__(self) -> T:
        from harbor.directory.service.ldap_client import Client, LdapFailed  # noqa: PLC0415

        self._client = Client(self._settings)
        try:
            if self._is_cut:
                raise LdapFailed(TIMEOUT)
            return self._question(self._client)
        except LdapFailed as error:
            raise Unavailable(str(error)) from error
        finally:
            self._client.close()
