"""The profile of a request: a request header wins over the tenant's, and the tenant's over the mock's own."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from segforge.spec.catalog import Profile
from segforge_mock import bounds
from segforge_mock.gateway.call import Call

PROFILE_HEADER: Final = b"x-mock-profile"


class BadHeader(ValueError):
    """A request header of the mock's own has a value that it does not know."""


class Profiles:
    """The profiles of the specs; `own` names the mock's own one. Raises BadSetting for an unknown name."""

    def __init__(self, profiles: Iterable[Profile], own: str) -> None:
        self.by_name: Mapping[str, Profile] = {profile.name: profile for profile in profiles}
        self.own = self.by_name[bounds.one_of("profile", own, self.by_name)]

    def of(self, call: Call) -> Profile:
        """Returns the profile of a call. Raises BadHeader if its header names an unknown one."""
        request, tenant = call.request, call.tenant
        name = request.header(PROFILE_HEADER) if PROFILE_HEADER in request.headers else tenant.profile
        if not name:
            return self.own
        profile = self.by_name.get(name)
        if profile is None:
            raise BadHeader(f"x-mock-profile: unknown profile {name!r}; expected one of {', '.join(self.by_name)}")
        return profile


def failed_job(profile: Profile, record: Mapping[str, Any], metrics: Mapping[str, float]) -> dict[str, Any]:
    """Returns the keys and metrics that a profile shows of a failed job."""
    shown = {**record, "metrics": {name: metrics[name] for name in profile.failed_job_metrics}}
    return {name: shown[name] for name in profile.failed_job_keys}
