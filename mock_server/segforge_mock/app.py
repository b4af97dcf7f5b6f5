"""The mock as an ASGI application, put together from its parts."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from segforge.spec.catalog import Gateway
from segforge_mock import bounds
from segforge_mock.admin import Admin
from segforge_mock.console.console import Console
from segforge_mock.faults.given import GivenFiles
from segforge_mock.faults.reading import any_file, read_stub
from segforge_mock.faults.scenarios import read_chaos, scenarios
from segforge_mock.faults.stubs import STUBS_SHARE, Stub, Stubs
from segforge_mock.gateway.call import Call
from segforge_mock.gateway.faults import Faults
from segforge_mock.gateway.gateway import MockGateway
from segforge_mock.gateway.outputs import Outputs
from segforge_mock.gateway.profile import Profiles
from segforge_mock.http.answers import Answer
from segforge_mock.http.callers import LOOPBACK, Callers, WebhookRules, host_name
from segforge_mock.http.endpoint import AsgiEndpoint, Component
from segforge_mock.jobs.policy import read_policy
from segforge_mock.media.files import Detail
from segforge_mock.memory import DEFAULT_MIB, MIB, Memory
from segforge_mock.models.served import ServedModels, packaged_models
from segforge_mock.own import Own
from segforge_mock.settings import DEFAULT_TIME_SCALE, MockSettings, Names
from segforge_mock.stores.base import Store
from segforge_mock.stores.memory import MemoryStore
from segforge_mock.tenants.edits import JobEdits
from segforge_mock.tenants.history import Histories
from segforge_mock.tenants.keys import KeyFormat, Keys
from segforge_mock.tenants.tenants import Tenant, Tenants


class App(AsgiEndpoint):
    """The mock. `create_app` makes it.

    `models` are those that it serves, `names` the names that settings accept. `now` returns a tenant's time, in seconds
    since the epoch. `edits` change jobs. Everything that the process keeps counts towards `memory`.
    """

    def __init__(
        self,
        gateway: Component,
        models: ServedModels,
        store: Store,
        memory: Memory,
        tenants: Tenants,
        names: Names,
        now: Callable[[Tenant], float],
        edits: JobEdits,
    ) -> None:
        # The clients of stores outside this process need a task to run in.
        super().__init__(gateway, memory, eager=isinstance(store, MemoryStore))
        self.models = models
        self.store = store
        self.tenants = tenants
        self.edits = edits
        self.names = names
        self.now = now


def create_app(  # noqa: PLR0913 - settings, each by its name
    *,
    models: ServedModels | None = None,
    store: Store | None = None,
    now: Callable[[], float] = time.time,
    time_scale: float = DEFAULT_TIME_SCALE,
    keys: Iterable[str] | None = None,
    key_format: KeyFormat = "any",
    profile: str = "documented",
    media: Detail = "full",
    images: Detail | None = None,
    stubs: tuple[Stub, ...] = (),
    chaos: str | None = None,
    seed: int = 0,
    credits: float | None = None,
    rate_limit: int | str | None = None,
    job_policy: str | None = None,
    public_url: str | None = None,
    any_model: bool = False,
    admin: bool = True,
    admin_token: str | None = None,
    allow_hosts: Iterable[str] = (),
    webhook_hosts: Iterable[str] = (LOOPBACK,),
    log: bool = False,
    max_memory: int = DEFAULT_MIB,
    replay: str | Path | None = None,
    strict_replay: bool = False,
) -> App:
    """Returns the mock gateway as an ASGI 3 application.

    `models`: the models to serve (default: those of segforge's own specs). `store`: where jobs and balances are kept
    (default: in memory). `now`: the clock, in seconds since the epoch. `time_scale`: seconds here per second of the
    real gateway. `keys`: the accepted API keys (default: any key but one that starts with `invalid`). `key_format`:
    "documented" accepts only keys in the format of the docs. `profile`: a profile of the specs.
    `media`: the detail of outputs, "full", or for speed "plain" (one colour) or "tiny" (at most 16 pixels wide and
    high, and a second long); `images` is its former name. `stubs`, `chaos` and `seed`: see `faults`. `credits`: the
    opening balance of each key (default: that of the specs), unless `store` has its own. `rate_limit`: requests per
    minute and tenant, or the name of a plan. `job_policy`: see `jobs.policy`. `public_url`: the start of
    URLs in answers (default: the address that the caller used). `any_model`: serve slugs without a spec. `admin`,
    `admin_token`: the admin API. `allow_hosts`: more host names for the admin API, see `http.callers`.
    `webhook_hosts`: the hosts that may receive webhooks; `localhost` stands for all addresses of this machine. `log`:
    write one line of JSON per request to standard error. `max_memory`: the limit in MiB of everything that the mock
    keeps. A MemoryStore in `store` has its own limit. `replay`: a folder of recordings, whose answers come first;
    `strict_replay` refuses requests that were not recorded.

    Raises BadSetting, a ValueError, for a setting that is not valid; BadStub and BadPolicy are subclasses.
    """
    if store is not None and credits is not None:
        raise bounds.BadSetting("credits has no effect with a store; pass the opening credits to the store")
    settings = MockSettings(
        time_scale=time_scale,
        keys=keys,
        key_format=key_format,
        profile=profile,
        media=images or media,
        stubs=stubs,
        chaos=chaos,
        seed=seed,
        credits=credits,
        rate_limit=rate_limit,
        job_policy=job_policy,
        public_url=public_url,
        any_model=any_model,
        admin=admin,
        admin_token=admin_token,
        allow_hosts=allow_hosts,
        webhook_hosts=webhook_hosts,
        log=log,
        max_memory=max_memory,
        replay=None if replay is None else Path(replay),
        strict_replay=strict_replay,
    )
    return make_app(settings, models=models, store=store, now=now)


def make_app(
    settings: MockSettings,
    *,
    models: ServedModels | None = None,
    store: Store | None = None,
    now: Callable[[], float] = time.time,
) -> App:
    """Returns the mock gateway with these settings; see `create_app`."""
    models = models or packaged_models()
    limit = settings.max_memory * MIB
    if store is None:
        store = MemoryStore(opening_credits(settings, models.gateway), memory=Memory(limit))
    memory = store.memory if isinstance(store, MemoryStore) else Memory(limit)
    known = scenarios(models.gateway)
    profiles = Profiles(models.gateway.profiles, settings.profile)
    names = Names(known, None if settings.any_model else models.slugs, tuple(profiles.by_name))
    stubs = [read_stub(stub, names.scenarios, names.slugs, any_file) for stub in settings.stubs]
    given = GivenFiles(memory, stubs)
    tenants = Tenants(_new_tenant(settings, names, stubs, memory), memory)

    def tenant_now(tenant: Tenant) -> float:
        return now() + tenant.clock_offset

    counts = Counter[tuple[str, int]]()
    callers = _callers(settings)
    keys = Keys(models.gateway.auth.key_pattern, settings.key_format, settings.keys)
    edits = JobEdits(store, given)
    console = Console(models, tenants, store, memory, tenant_now)
    api = Admin(console, tenants, store, names, tenant_now, settings.admin_token, callers, edits)
    gateway = MockGateway(
        models,
        store,
        tenants,
        Outputs(models.gateway, settings.media, memory, given),
        memory,
        Own(store, memory, counts, api if settings.admin else None),
        profiles=profiles,
        faults=Faults(known, None if settings.chaos is None else read_chaos(settings.chaos, known, settings.seed)),
        counts=counts,
        now=now,
        keys=keys,
        time_scale=settings.time_scale,
        public_url=settings.public_url,
        any_model=settings.any_model,
        webhooks=WebhookRules(callers, frozenset(settings.webhook_hosts)),
        log=settings.log,
        replay=None if settings.replay is None else _replay(settings, settings.replay, models.gateway, keys, tenants),
    )
    return App(gateway, models, store, memory, tenants, names, tenant_now, edits)


def _replay(
    settings: MockSettings, folder: Path, gateway: Gateway, keys: Keys, tenants: Tenants
) -> Callable[[Call], Answer | None]:
    """Returns the function that answers calls from the recordings of a folder. Raises BadSetting."""
    from segforge_mock.recordings.folder import read_folder
    from segforge_mock.recordings.recording import BadRecording
    from segforge_mock.recordings.replay import Replay

    try:
        replay = Replay(read_folder(folder), bases=(gateway.base_url,), keys=keys, strict=settings.strict_replay)
    except (OSError, BadRecording) as error:
        raise bounds.BadSetting(f"replay: {error}") from None
    tenants.on_forget(replay.forget)
    public = settings.public_url
    return lambda call: replay.answer(call.request, call.tenant.name, public or call.request.origin)


def opening_credits(settings: MockSettings, gateway: Gateway) -> float:
    """Returns the balance with which each key starts."""
    return float(gateway.assumptions["opening_credits"].value) if settings.credits is None else settings.credits


def _new_tenant(settings: MockSettings, names: Names, stubs: Sequence[Stub], memory: Memory) -> Callable[[str], Tenant]:
    """Returns the function that makes a tenant of a name. Raises BadPolicy."""
    policy = None if settings.job_policy is None else read_policy(settings.job_policy)
    limit = bounds.rate_limit(settings.rate_limit, "rate_limit")
    histories = Histories(memory)
    most = memory.limit // STUBS_SHARE
    return lambda name: Tenant(name, Stubs(names.scenarios, stubs, settings.seed, most), policy, limit, histories.new())


def _callers(settings: MockSettings) -> Callers:
    """The callers of the admin API, which is also reached by the host of the public URL."""
    own = [] if settings.public_url is None else [host_name("public_url", urlsplit(settings.public_url).hostname)]
    return Callers([*settings.allow_hosts, *own])
