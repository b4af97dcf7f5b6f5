"""The settings of a mock. The command line, the handle and `create_app` build the same frozen value."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, get_args

from segforge_mock import bounds
from segforge_mock.faults.scenarios import Scenario
from segforge_mock.faults.stubs import Stub
from segforge_mock.http.callers import LOOPBACK, host_name
from segforge_mock.media.files import Detail
from segforge_mock.memory import DEFAULT_MIB
from segforge_mock.tenants.keys import KeyFormat

DEFAULT_TIME_SCALE: Final = 0.01


class Names(NamedTuple):
    """The names that settings accept: scenarios, slugs (None: any) and profiles."""

    scenarios: Mapping[str, Scenario]
    slugs: Collection[str] | None
    profiles: Collection[str]


@dataclass(frozen=True, kw_only=True)
class MockSettings:
    """How a mock behaves. `create_app` describes each setting.

    Raises BadSetting for a value that is not valid by itself. `create_app` checks those that depend on the specs:
    `profile`, `stubs` and `chaos`.
    """

    time_scale: float = DEFAULT_TIME_SCALE
    keys: Iterable[str] | None = None
    key_format: KeyFormat = "any"
    profile: str = "documented"
    media: Detail = "full"
    stubs: tuple[Stub, ...] = ()
    chaos: str | None = None
    seed: int = 0
    credits: float | None = None
    rate_limit: int | str | None = None
    job_policy: str | None = None
    public_url: str | None = None
    any_model: bool = False
    admin: bool = True
    admin_token: str | None = None
    allow_hosts: Iterable[str] = ()
    webhook_hosts: Iterable[str] = (LOOPBACK,)
    log: bool = False
    max_memory: int = DEFAULT_MIB
    replay: Path | None = None
    strict_replay: bool = False

    def __post_init__(self) -> None:
        """Checks the values, and replaces lists by tuples."""
        for name, value in (
            ("keys", self.keys),
            ("allow_hosts", self.allow_hosts),
            ("webhook_hosts", self.webhook_hosts),
        ):
            if isinstance(value, str):
                raise bounds.BadSetting(f"{name}: expected a list, found the string {value!r}")
        bounds.number("time_scale", self.time_scale, bounds.MAX_TIME_SCALE)
        bounds.one_of("media", self.media, get_args(Detail))
        bounds.memory("max_memory", self.max_memory)
        if self.replay is not None:
            self._set("replay", Path(bounds.filled("replay", str(self.replay))))
        elif self.strict_replay:
            raise bounds.BadSetting("strict_replay has no effect without replay; name a folder of recordings there")
        if self.admin_token is not None:
            bounds.filled("admin_token", self.admin_token)
        bounds.one_of("key_format", self.key_format, get_args(KeyFormat))
        if self.keys is not None:
            if self.key_format != "any":
                raise bounds.BadSetting(
                    f"key_format {self.key_format!r} has no effect with keys; leave out one of them"
                )
            self._set("keys", tuple(bounds.filled("keys", key) for key in self.keys))
        if self.public_url is not None:
            self._set("public_url", bounds.web_url("public_url", self.public_url))
        if self.credits is not None:
            bounds.credits(self.credits)
        bounds.rate_limit(self.rate_limit, "rate_limit")
        for name in ("allow_hosts", "webhook_hosts"):
            self._set(name, tuple(host_name(name, host) for host in getattr(self, name)))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
