"""The store in one SQLite file, which the worker processes of a machine share and which survives a restart.

Calls run on the event loop itself. A submit takes about 16 microseconds; a thread would double that, and only one
process writes at a time anyway. Once in some hundred submits SQLite moves its log into the file, which takes a few
milliseconds.
"""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from segforge_mock.jobs.job import Job, Progress
from segforge_mock.stores.base import FORMAT, KEEP_SECONDS, MAX_JOBS, MICRO, StoreError, micros

APPLICATION_ID: Final = 0x5E6F0263
BUSY_SECONDS: Final = 10.0

# Progress has a table of its own, so that a poll doesn't rewrite the job's row, which holds the whole body.
_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
CREATE TABLE IF NOT EXISTS accounts (
    tenant TEXT PRIMARY KEY, credits INTEGER NOT NULL, used_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hits (
    tenant TEXT, minute INTEGER, hits INTEGER NOT NULL, PRIMARY KEY (tenant, minute)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, kept_at REAL NOT NULL,
    record BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_of_tenant ON jobs (tenant);
CREATE INDEX IF NOT EXISTS jobs_by_age ON jobs (kept_at);
CREATE TABLE IF NOT EXISTS progress (
    job INTEGER PRIMARY KEY REFERENCES jobs ON DELETE CASCADE, polls INTEGER NOT NULL DEFAULT 0,
    released INTEGER NOT NULL DEFAULT 0
);
COMMIT;
"""

_OPEN_ACCOUNT: Final = "INSERT OR IGNORE INTO accounts VALUES (?, ?, ?)"
_CHARGE: Final = """
UPDATE accounts SET credits = credits - :cost, used_at = :now WHERE tenant = :tenant AND credits >= :cost
RETURNING credits
"""
_SET_BALANCE: Final = "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)"
_KEEP: Final = "INSERT INTO jobs (request_id, tenant, kept_at, record) VALUES (?, ?, ?, ?)"
_NEWEST: Final = "SELECT record FROM jobs WHERE tenant = ? ORDER BY number DESC LIMIT ?"
_PROGRESS: Final = "SELECT polls, released FROM progress JOIN jobs ON job = number WHERE request_id = ?"
_COUNT_POLL: Final = """
INSERT INTO progress (job, polls) SELECT number, 1 FROM jobs WHERE request_id = ?
ON CONFLICT DO UPDATE SET polls = polls + 1 RETURNING polls, released
"""
_RELEASE: Final = """
INSERT INTO progress (job, released) SELECT number, 1 FROM jobs WHERE request_id = ?
ON CONFLICT DO UPDATE SET released = 1
"""
_HIT: Final = "INSERT INTO hits VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET hits = hits + 1 RETURNING hits"
_FORGET_WINDOWS: Final = "DELETE FROM hits WHERE tenant = ? AND abs(minute - ?) > 1"
_FORGET_OLD_WINDOWS: Final = "DELETE FROM hits WHERE tenant IN (SELECT tenant FROM accounts WHERE used_at < ?)"
_FORGET_SURPLUS: Final = """
DELETE FROM jobs WHERE number IN
    (SELECT number FROM jobs ORDER BY number LIMIT max(0, (SELECT count(*) FROM jobs) - ?))
"""


def _connect(path: Path) -> sqlite3.Connection:
    """Opens a store's file, or creates it. Raises StoreError."""
    try:
        # Tenants' names derive from keys, so only the owner may read the file.
        path.touch(mode=0o600)
        # Without an isolation level, only the code begins transactions. The thread that opens the store need not be the
        # one that runs the event loop, but only one thread uses the connection.
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"can't open {path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        _prepare(db, path)
    except sqlite3.Error as error:
        db.close()
        raise StoreError(f"can't use {path} as a store: {error}") from None
    except StoreError:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Prepares a connection and creates the tables. Raises StoreError for a foreign file, and sqlite3.Error."""
    queries = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_schema")
    with db:
        db.execute("BEGIN")
        [application], [version], [tables] = (db.execute(query).fetchone() for query in queries)
    if tables and application != APPLICATION_ID:
        raise StoreError(f"can't use {path} as a store: it is another program's database; choose another file")
    if tables and version != FORMAT:
        raise StoreError(f"can't use {path} as a store: another version of segforge wrote it; delete it")
    # In WAL mode, a finished commit is with the operating system, so killed processes lose nothing. NORMAL syncs to the
    # disk at checkpoints only: a power failure may lose the last commits, but never the file. FULL would sync the disk
    # once per submit.
    _enter_wal_mode(db)
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    if not tables:
        db.executescript(_SCHEMA)


def _enter_wal_mode(db: sqlite3.Connection) -> None:
    """Switches to WAL mode. It retries, since SQLite doesn't wait here for processes that open a new file as well."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


class SqliteStore:
    """Keeps everything in a file, with about the newest `max_jobs`, for KEEP_SECONDS in real time.

    Each process that uses the file needs its own instance, made after the fork. Raises StoreError if the file can't be
    used.
    """

    def __init__(
        self, path: Path, opening_credits: float, max_jobs: int = MAX_JOBS, now: Callable[[], float] = time.time
    ) -> None:
        self._opening = micros(opening_credits)
        self._max_jobs = max_jobs
        self._now = now
        self._purge_every = max(1, max_jobs // 100)
        self._submits = 0
        self._db = _connect(path)

    async def submit(self, job: Job) -> Job | None:
        """Charges and keeps a job."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            remaining = self._charge(job.tenant, job.cost)
            if remaining is None:
                return None
            kept = msgspec.structs.replace(job, remaining_credits=remaining)
            self._db.execute(_KEEP, (job.request_id, job.tenant, self._now(), msgspec.msgpack.encode(kept)))
            self._submits += 1
            if self._submits % self._purge_every == 0:
                self._purge()
        return kept

    def _charge(self, tenant: str, cost: float) -> float | None:
        now = self._now()
        self._db.execute(_OPEN_ACCOUNT, (tenant, self._opening, now))
        row = self._db.execute(_CHARGE, {"cost": micros(cost), "now": now, "tenant": tenant}).fetchone()
        return None if row is None else row[0] / MICRO

    def _purge(self) -> None:
        """Removes old and surplus entries. Workers do so once in many submits, since counting takes a millisecond."""
        outdated = self._now() - KEEP_SECONDS
        self._db.execute("DELETE FROM jobs WHERE kept_at < ?", (outdated,))
        self._db.execute(_FORGET_SURPLUS, (self._max_jobs,))
        self._db.execute(_FORGET_OLD_WINDOWS, (outdated,))
        self._db.execute("DELETE FROM accounts WHERE used_at < ?", (outdated,))

    async def charge(self, tenant: str, cost: float) -> float | None:
        """Charges a cost."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return self._charge(tenant, cost)

    async def balance(self, tenant: str) -> float:
        """Returns the credits of a tenant."""
        row = self._db.execute("SELECT credits FROM accounts WHERE tenant = ?", (tenant,)).fetchone()
        return (self._opening if row is None else row[0]) / MICRO

    async def set_balance(self, tenant: str, amount: float) -> None:
        """Sets the credits of a tenant."""
        self._db.execute(_SET_BALANCE, (tenant, micros(amount), self._now()))

    async def get(self, request_id: str) -> Job | None:
        """Returns the job with this id, or None."""
        row = self._db.execute("SELECT record FROM jobs WHERE request_id = ?", (request_id,)).fetchone()
        return None if row is None else msgspec.msgpack.decode(row[0], type=Job)

    async def jobs(self, tenant: str, most: int | None = None) -> list[Job]:
        """Returns the jobs of a tenant."""
        rows = self._db.execute(_NEWEST, (tenant, -1 if most is None else most)).fetchall()
        return [msgspec.msgpack.decode(record, type=Job) for (record,) in reversed(rows)]

    async def replace(self, job: Job) -> None:
        """Replaces the record of a job."""
        record = msgspec.msgpack.encode(job)
        self._db.execute("UPDATE jobs SET record = ? WHERE request_id = ?", (record, job.request_id))

    async def progress(self, request_id: str) -> Progress:
        """Returns the changes of a job since its submit."""
        return _progress(self._db.execute(_PROGRESS, (request_id,)).fetchone())

    async def count_poll(self, request_id: str) -> Progress:
        """Counts a poll."""
        return _progress(self._db.execute(_COUNT_POLL, (request_id,)).fetchone())

    async def release(self, request_id: str) -> None:
        """Releases a held job."""
        self._db.execute(_RELEASE, (request_id,))

    async def hit(self, tenant: str, window: int) -> int:
        """Counts a request in a rate window."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            hits: int = self._db.execute(_HIT, (tenant, window)).fetchone()[0]
            if hits == 1:
                self._db.execute(_FORGET_WINDOWS, (tenant, window))
        return hits

    async def reset(self, tenant: str) -> None:
        """Removes a tenant."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM jobs WHERE tenant = ?", (tenant,))
            self._db.execute("DELETE FROM accounts WHERE tenant = ?", (tenant,))
            self._db.execute("DELETE FROM hits WHERE tenant = ?", (tenant,))

    async def close(self) -> None:
        """Closes the file."""
        self._db.close()


def _progress(row: tuple[int, int] | None) -> Progress:
    return Progress() if row is None else Progress(row[0], bool(row[1]))
