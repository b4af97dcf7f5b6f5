"""Delivers webhooks in the background, to allowed hosts only.

A caller chooses the address, so the mock must not become a way into a network: a host is loopback or allowed by its
name, it is resolved once and that address is used, no redirect is followed, and no body of an answer is read.
"""

import asyncio
import importlib
import ipaddress
import socket
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

from segforge.environment import is_loopback
from segforge_mock.http.callers import LOOPBACK
from segforge_mock.memory import Full, HeldBytes, Memory

if TYPE_CHECKING:
    import httpx

ATTEMPTS: Final = 3
PAUSES: Final = (1.0, 5.0)
"""Seconds of the real gateway before the second and the third attempt."""
TIMEOUT: Final = 10.0
MAX_TASKS: Final = 1_000
"""Runs whose events wait at the same time. Events of further runs are dropped."""
MAX_SENDING: Final = 20
TASK_BYTES: Final = 16 * 2**10

Note: TypeAlias = Callable[[int, int | None, str | None], None]
"""Notes an attempt: its number, the status of the answer, and the error."""


class _Refused(Exception):
    """An address that the mock does not send to; the message says why."""


class Deliveries:
    """Sends requests to webhooks. `hosts`: the allowed hosts; LOOPBACK among them stands for this machine."""

    def __init__(self, hosts: frozenset[str], memory: Memory, time_scale: float) -> None:
        self._hosts = frozenset(host.strip("[]") for host in hosts)
        self._memory = memory
        self._time_scale = time_scale
        self._tasks: dict[str, set[asyncio.Task[None]]] = {}
        self._running = 0
        self._sending = asyncio.Semaphore(MAX_SENDING)

    def start(self, tenant: str, work: Coroutine[Any, Any, None]) -> None:
        """Runs a coroutine of a tenant in the background, unless too many run already."""
        if self._running >= MAX_TASKS:
            work.close()
            return
        self._running += 1
        task = asyncio.get_running_loop().create_task(self._held(work))
        self._tasks.setdefault(tenant, set()).add(task)

        def end(task: asyncio.Task[None]) -> None:
            self._running -= 1
            tasks = self._tasks.get(tenant, set())
            tasks.discard(task)
            if not tasks:
                self._tasks.pop(tenant, None)

        task.add_done_callback(end)

    async def _held(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            with HeldBytes(self._memory, TASK_BYTES):
                await work
        except Full:
            work.close()

    def forget(self, tenant: str) -> None:
        """Stops what runs for a tenant."""
        for task in self._tasks.pop(tenant, ()):
            task.cancel()

    async def close(self) -> None:
        """Stops everything that runs."""
        tasks = [task for tasks in self._tasks.values() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def deliver(self, url: str, body: bytes, note: Note) -> None:
        """Sends a body until an answer is 2xx, at most ATTEMPTS times. Notes each attempt."""
        for number in range(1, ATTEMPTS + 1):
            try:
                async with self._sending, asyncio.timeout(TIMEOUT):
                    status = await self._send(url, body)
            except _Refused as error:
                return note(number, None, str(error))
            except TimeoutError:
                note(number, None, f"no answer within {TIMEOUT:g} seconds")
            except _failures() as error:
                note(number, None, f"{type(error).__name__}: {error}"[:200])
            else:
                done = 200 <= status < 300
                note(number, status, None if done else f"expected an answer of 2xx, found {status}")
                if done:
                    return None
            if number < ATTEMPTS:
                await asyncio.sleep(PAUSES[number - 1] * self._time_scale)
        return None

    async def _send(self, url: str, body: bytes) -> int:
        """Sends one request and returns the status of the answer. Raises _Refused, OSError and errors of httpx."""
        httpx = await asyncio.to_thread(importlib.import_module, "httpx")
        target = httpx.URL(url)
        address = await self._address(target)
        secure = target.scheme == "https"
        certificates = await asyncio.to_thread(httpx.create_ssl_context) if secure else False
        headers = {"host": target.netloc.decode("ascii"), "content-type": "application/json"}
        async with (
            httpx.AsyncClient(verify=certificates, trust_env=False, timeout=TIMEOUT) as client,
            client.stream(
                "POST",
                target.copy_with(host=address),
                content=body,
                headers={**headers, "user-agent": "segforge-mock"},
                extensions={"sni_hostname": target.host} if secure else {},
                follow_redirects=False,
            ) as response,
        ):
            return int(response.status_code)

    async def _address(self, target: "httpx.URL") -> str:
        """Returns the address of an allowed host. Raises _Refused and OSError."""
        host = target.host
        local = LOOPBACK in self._hosts and is_loopback(host)
        if not local and host not in self._hosts:
            raise _Refused(f"the mock doesn't send to {host}; start it with --webhook-host {host} to allow this")
        port = target.port or (443 if target.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        address = str(found[0][4][0])
        if local and not ipaddress.ip_address(address).is_loopback:
            raise _Refused(f"{host} is not an address of this machine here, but {address}")
        return address


def is_usable(url: str) -> bool:
    """Returns whether a text is the URL of a webhook: http or https, with a host and without a user name."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
    return bool(usable) and url.isascii() and url.isprintable() and " " not in url


def _failures() -> tuple[type[Exception], ...]:
    """Returns the errors of a request that failed."""
    import httpx

    return OSError, httpx.HTTPError, httpx.InvalidURL
