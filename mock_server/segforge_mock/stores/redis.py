"""The store in a Redis server (5 or later, or Valkey), which processes on several machines can share.

Each method that changes something is one Lua script, since Redis runs a script alone. The scripts compose the keys of
jobs, so a cluster of servers is not supported.

    segforge:<format>:credits:<tenant>   string   balance in millionths
    segforge:<format>:jobs:<tenant>      list     ids, the oldest first; leading ones may be gone
    segforge:<format>:hits:<tenant>      hash     minute -> requests
    segforge:<format>:job:<id>           hash     record, remaining, polls, released
    segforge:<format>:order:             zset     ids of all tenants by number of submit
"""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import msgspec

from segforge.extras import install_command
from segforge_mock.jobs.job import Job, Progress
from segforge_mock.stores.base import FORMAT, KEEP_SECONDS, MAX_JOBS, MICRO, StoreError, micros

if TYPE_CHECKING:
    from redis.commands.core import AsyncScript

PREFIX: Final = f"segforge:{FORMAT:x}:"
CONNECTIONS: Final = 16
REACH_SECONDS: Final = 3.0
WINDOW_SECONDS: Final = 120

# KEYS: credits. ARGV: opening balance, cost, seconds to keep.
_CHARGE: Final = """
local function charge()
    local remaining = (redis.call('GET', KEYS[1]) or ARGV[1]) - ARGV[2]
    if remaining < 0 then return false end
    remaining = string.format('%.0f', remaining)
    redis.call('SET', KEYS[1], remaining, 'EX', ARGV[3])
    return remaining
end
"""
# KEYS: credits, jobs, job, order. ARGV: as above, then id, record, prefix of a job's key, most jobs.
_SUBMIT: Final = f"""{_CHARGE}
local remaining = charge()
if not remaining then return false end
redis.call('HSET', KEYS[3], 'record', ARGV[5], 'remaining', remaining)
redis.call('EXPIRE', KEYS[3], ARGV[3])
local oldest = redis.call('LINDEX', KEYS[2], 0)
while oldest and redis.call('EXISTS', ARGV[6] .. oldest) == 0 do
    redis.call('LPOP', KEYS[2])
    oldest = redis.call('LINDEX', KEYS[2], 0)
end
redis.call('RPUSH', KEYS[2], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[3])
local newest = redis.call('ZREVRANGE', KEYS[4], 0, 0, 'WITHSCORES')
redis.call('ZADD', KEYS[4], (newest[2] or 0) + 1, ARGV[4])
redis.call('EXPIRE', KEYS[4], ARGV[3])
if redis.call('ZCARD', KEYS[4]) > tonumber(ARGV[7]) then
    redis.call('UNLINK', ARGV[6] .. redis.call('ZPOPMIN', KEYS[4])[1])
end
return remaining
"""
# KEYS: jobs. ARGV: prefix of a job's key, index of the first job.
_JOBS: Final = """
local found = {}
for _, id in ipairs(redis.call('LRANGE', KEYS[1], ARGV[2], -1)) do
    local job = redis.call('HMGET', ARGV[1] .. id, 'record', 'remaining')
    if job[1] then found[#found + 1] = job end
end
return found
"""
# KEYS: job.
_COUNT_POLL: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0} end
return {redis.call('HINCRBY', KEYS[1], 'polls', 1), redis.call('HEXISTS', KEYS[1], 'released')}
"""
_RELEASE: Final = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'released', 1) end"
# KEYS: job. ARGV: record.
_REPLACE: Final = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'record', ARGV[1]) end"
# KEYS: hits. ARGV: minute, seconds to keep.
_HIT: Final = """
local hits = redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
if hits == 1 then
    for _, minute in ipairs(redis.call('HKEYS', KEYS[1])) do
        if math.abs(minute - ARGV[1]) > 1 then redis.call('HDEL', KEYS[1], minute) end
    end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return hits
"""
# KEYS: credits, jobs, hits, order. ARGV: prefix of a job's key.
_RESET: Final = """
for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
    redis.call('UNLINK', ARGV[1] .. id)
    redis.call('ZREM', KEYS[4], id)
end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
"""


def require_redis() -> None:
    """Raises StoreError if the Redis client, an extra, is not installed."""
    try:
        import redis.asyncio  # noqa: F401 - only checks that it is installed
    except ImportError:
        raise StoreError(f"a redis:// store needs the Redis client; run {install_command('redis')}") from None


def reach(url: str) -> None:
    """Pings a Redis server. Raises StoreError if the URL is not valid or the server doesn't answer."""
    require_redis()
    import redis

    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=REACH_SECONDS, socket_timeout=REACH_SECONDS)
    except ValueError:
        # The error's own text may hold a part of the password.
        raise StoreError("not a Redis URL; expected redis://[[user]:password@]host[:port][/database]") from None
    try:
        with client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        raise StoreError(f"can't use the Redis server at {_address(url)}: {error}") from None


def _address(url: str) -> str:
    """Returns a Redis URL without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class RedisStore:
    """Keeps everything in a Redis server, with at most the newest `max_jobs`.

    Entries that are not used for KEEP_SECONDS expire. Balances up to 9 billion credits are exact, which is the
    limit of Lua's numbers. The store connects at the first call, and belongs to the event loop of that call. Every
    method raises StoreError if the server can't be reached.
    """

    def __init__(self, url: str, opening_credits: float, max_jobs: int = MAX_JOBS) -> None:
        require_redis()
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        self._opening = micros(opening_credits)
        self._max_jobs = max_jobs
        # Commands are never retried, since a script whose reply was lost may have charged already. The pool checks each
        # connection before use and replaces closed ones, so a restart of Redis causes no error. That works with RESP2
        # only: with RESP3, redis-py 8 treats the end of a connection as a notification.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            protocol=2,
            socket_connect_timeout=REACH_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis.from_pool(pool)
        script = self._redis.register_script
        self._submit, self._charge, self._jobs = script(_SUBMIT), script(f"{_CHARGE}return charge()"), script(_JOBS)
        self._count_poll, self._release, self._replace = script(_COUNT_POLL), script(_RELEASE), script(_REPLACE)
        self._hit, self._reset = script(_HIT), script(_RESET)

    async def submit(self, job: Job) -> Job | None:
        """Charges and keeps a job."""
        keys = [_key("credits", job.tenant), _key("jobs", job.tenant), _key("job", job.request_id), _key("order")]
        record = msgspec.msgpack.encode(job)
        charge = [self._opening, micros(job.cost), KEEP_SECONDS]
        remaining = await _run(self._submit, keys, [*charge, job.request_id, record, _key("job"), self._max_jobs])
        return None if remaining is None else _with_remaining(job, remaining)

    async def charge(self, tenant: str, cost: float) -> float | None:
        """Charges a cost."""
        remaining = await _run(self._charge, [_key("credits", tenant)], [self._opening, micros(cost), KEEP_SECONDS])
        return None if remaining is None else int(remaining) / MICRO

    async def balance(self, tenant: str) -> float:
        """Returns the credits of a tenant."""
        with _failures():
            kept = await self._redis.get(_key("credits", tenant))
        return (self._opening if kept is None else int(kept)) / MICRO

    async def set_balance(self, tenant: str, amount: float) -> None:
        """Sets the credits of a tenant."""
        with _failures():
            await self._redis.set(_key("credits", tenant), micros(amount), ex=KEEP_SECONDS)

    async def get(self, request_id: str) -> Job | None:
        """Returns the job with this id, or None."""
        record, remaining = await self._fields(request_id, "record", "remaining")
        return None if record is None or remaining is None else _read(record, remaining)

    async def _fields(self, request_id: str, *names: str) -> list[bytes | None]:
        # The library types the result of each command as "awaitable or not".
        with _failures():
            return await cast("Awaitable[list[bytes | None]]", self._redis.hmget(_key("job", request_id), names))

    async def jobs(self, tenant: str, most: int | None = None) -> list[Job]:
        """Returns the jobs of a tenant."""
        found = await _run(self._jobs, [_key("jobs", tenant)], [_key("job"), 0 if most is None else -most])
        return [_read(record, remaining) for record, remaining in found]

    async def replace(self, job: Job) -> None:
        """Replaces the record of a job."""
        await _run(self._replace, [_key("job", job.request_id)], [msgspec.msgpack.encode(job)])

    async def progress(self, request_id: str) -> Progress:
        """Returns the changes of a job since its submit."""
        polls, released = await self._fields(request_id, "polls", "released")
        return Progress(int(polls or 0), released is not None)

    async def count_poll(self, request_id: str) -> Progress:
        """Counts a poll."""
        polls, released = await _run(self._count_poll, [_key("job", request_id)], [])
        return Progress(polls, bool(released))

    async def release(self, request_id: str) -> None:
        """Releases a held job."""
        await _run(self._release, [_key("job", request_id)], [])

    async def hit(self, tenant: str, window: int) -> int:
        """Counts a request in a rate window."""
        return int(await _run(self._hit, [_key("hits", tenant)], [window, WINDOW_SECONDS]))

    async def reset(self, tenant: str) -> None:
        """Removes a tenant."""
        await _run(
            self._reset,
            [_key("credits", tenant), _key("jobs", tenant), _key("hits", tenant), _key("order")],
            [_key("job")],
        )

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()


def _key(kind: str, name: str = "") -> str:
    return f"{PREFIX}{kind}:{name}"


async def _run(script: "AsyncScript", keys: list[str], arguments: list[str | bytes | int]) -> Any:
    with _failures():
        return await script(keys=keys, args=arguments)


@contextmanager
def _failures() -> Iterator[None]:
    """Raises StoreError for an error of the connection or of Redis."""
    from redis import RedisError

    try:
        yield
    except RedisError as error:
        raise StoreError(f"Redis: {error}") from error


def _with_remaining(job: Job, remaining: bytes) -> Job:
    return msgspec.structs.replace(job, remaining_credits=int(remaining) / MICRO)


def _read(record: bytes, remaining: bytes) -> Job:
    return _with_remaining(msgspec.msgpack.decode(record, type=Job), remaining)
