"""Edits of one job by its id: tests fail it, finish it, or change what it returns."""

from collections.abc import Mapping
from typing import Any

from segforge_mock.bounds import BadSetting
from segforge_mock.faults.given import GivenFiles
from segforge_mock.faults.reading import ReadFile, no_file, read_effect
from segforge_mock.jobs.job import Job
from segforge_mock.stores.base import MICRO, Store, micros


class JobEdits:
    """Edits the jobs of a store. `given` keeps the outputs that edits state."""

    def __init__(self, store: Store, given: GivenFiles) -> None:
        self._store = store
        self._given = given

    async def edit(self, tenant: str, request_id: object, fields: Mapping[str, Any], read: ReadFile = no_file) -> Job:
        """Changes a job of a tenant by the fields of an Effect, and returns it.

        The difference of the cost is charged or returned. Raises BadSetting, and StoreError.
        """
        job = await self._store.get(request_id) if isinstance(request_id, str) else None
        if job is None or job.tenant != tenant:
            raise BadSetting(f"request_id: no job {str(request_id)[:100]!r} of this key; list the jobs for their ids")
        effect = read_effect(fields, read)
        files = tuple(output.given for output in effect.outputs)
        changed = effect.of(job, tuple(record for record, _ in files))
        more = (micros(changed.cost) - micros(job.cost)) / MICRO
        if more and await self._store.charge(tenant, more) is None:
            raise BadSetting(f"cost: the balance is lower than {more:g}, the difference; set the credits first")
        self._given.keep(files)
        await self._store.replace(changed)
        return changed

    async def finish(self, tenant: str, request_id: object) -> Job:
        """Ends a job of a tenant now, and returns it. Raises BadSetting and StoreError."""
        return await self.edit(tenant, request_id, {"policy": "instant"})

    async def fail(self, tenant: str, request_id: object, error: object, status: object = None) -> Job:
        """Fails a job of a tenant now, and returns it. `status` is that of its polls. Raises as `edit`."""
        if not isinstance(error, str):
            raise BadSetting(f"error: expected the text of the failure, found {error!r}")
        stated = {} if status is None else {"failed_status": status}
        return await self.edit(tenant, request_id, {"policy": "instant", "error": error, **stated})
