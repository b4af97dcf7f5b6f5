"""Serve a mock of the gateway: v1 answers pictures, v2 queues jobs, nothing is billed."""

import argparse
import asyncio
import gc
import multiprocessing
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from segforge.console import console
from segforge_mock.memory import DEFAULT_MIB
from segforge_mock.settings import PLANS, BadSetting, memory, web_url

if TYPE_CHECKING:
    import ssl

    from segforge_mock.http.endpoint import Endpoint
    from segforge_mock.models.served import ServedModels


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8086, help="port to listen on, 0 for a free one (%(default)s)")
    parser.add_argument("--api-key", action="append", metavar="KEY", help="accept only this key; may be given again")
    parser.add_argument("--keys-file", type=Path, metavar="FILE", help="accept only the keys in this file, one a line")
    parser.add_argument("--specs", type=Path, metavar="DIR", help="serve the models of these specs instead of our own")
    parser.add_argument("--any-model", action="store_true", help="serve slugs without a spec too, leniently")
    parser.add_argument("--profile", default="documented", help="documented (default) or observed")
    parser.add_argument(
        "--images", choices=("full", "plain", "tiny"), default="full", help="plain and tiny ones are quicker"
    )
    parser.add_argument("--public-url", metavar="URL", help="what URLs in answers start with (the caller's Host)")
    parser.add_argument("--log", action="store_true", help="a line of JSON for each request on standard error")
    parser.add_argument(
        "--tls",
        type=Path,
        metavar="FILE",
        help="serve https for Segmind's host names; the certificate to trust is written to FILE",
    )
    parser.add_argument(
        "--upstream",
        metavar="URL",
        help="forward to this gateway instead, and report on standard error where its answers differ from the specs",
    )
    state = parser.add_argument_group("state")
    state.add_argument("--store", metavar="URL", help="memory (default), sqlite:///PATH or redis://HOST:PORT/DATABASE")
    state.add_argument(
        "--workers",
        type=_workers,
        default=1,
        metavar="N",
        help="processes that serve, on a store that they share; without the admin API (default: %(default)s)",
    )
    state.add_argument(
        "--max-memory",
        type=int,
        default=DEFAULT_MIB,
        metavar="MIB",
        help="how many MiB all that a process keeps may need; the oldest is forgotten first (default: %(default)s)",
    )
    time = parser.add_argument_group("time")
    time.add_argument(
        "--time-scale",
        type=_scale,
        default=0.01,
        metavar="FACTOR",
        help="how long a run takes against the real gateway; 0 for no time (default: %(default)s)",
    )
    time.add_argument("--job-policy", metavar="HOW", help="how jobs move: instant, seconds=S, polls=N or held")
    faults = parser.add_argument_group("faults and limits")
    faults.add_argument("--list-scenarios", action="store_true", help="list what can go wrong on purpose, and exit")
    faults.add_argument("--script", type=Path, metavar="FILE", help="YAML file of rules: which scenario, when")
    faults.add_argument("--chaos", metavar="NAME=RATE,...", help="scenarios that happen at random, at these rates")
    faults.add_argument("--seed", type=int, default=0, help="seed of chaos and drawn latencies (default: %(default)s)")
    faults.add_argument(
        "--rate-limit", type=_limit, metavar="PLAN", help=f"requests a minute and key: a number, or {', '.join(PLANS)}"
    )
    admin = parser.add_argument_group("admin API (below /_mock)")
    admin.add_argument("--no-admin", action="store_true", help="switch it off")
    admin.add_argument("--allow-host", action="append", metavar="NAME", help="answer to this host name, too")
    admin.add_argument("--admin-token", metavar="TOKEN", help="ask for this x-mock-token; needed off loopback")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; gives 2 for settings that can't be used, 1 where the specs are wrong."""
    from segforge.spec.finding import SpecError
    from segforge_mock.http.server import listen, url_of
    from segforge_mock.stores.base import StoreError

    try:
        models = _models(args.specs)
        if args.list_scenarios:
            return _list_scenarios(models)
        _check_options(args)
        _check_workers(args)
        app = _app(args, models)
        tls = _tls(args.tls)
    except SpecError as error:
        for finding in error.findings:
            console(error=True).print(str(finding), style="red", markup=False)
        return 1
    except (BadSetting, StoreError, OSError, _Misuse) as error:
        return _misuse(str(error))
    try:
        bound = listen(args.host, args.port)
    except OSError as error:
        reason = error.strerror or str(error)
        return _misuse(f"can't listen on {args.host}:{args.port}: {reason}; choose another --port, or 0 for a free one")
    if args.workers > 1:
        return _serve_workers(args, models, app, bound, tls)
    url = url_of(bound, "https" if tls is not None else "http")
    _serve(app, bound, lambda: print(f"segforge mock: {url}", flush=True), tls)
    return 0


class _Misuse(Exception):
    """Arguments that can't be used; the message says why."""


def _misuse(message: str) -> int:
    console(error=True).print(f"segforge mock: {message}", style="red", markup=False)
    return 2


def _models(specs: Path | None) -> "ServedModels":
    from segforge_mock.models.own_specs import models_of
    from segforge_mock.models.served import packaged_models

    return packaged_models() if specs is None else models_of(specs)


def _list_scenarios(models: "ServedModels") -> int:
    from rich.table import Table

    from segforge_mock.faults.scenarios import scenarios

    table = Table("scenario", "what happens")
    for name, scenario in scenarios(models.gateway).items():
        table.add_row(name, scenario.description)
    console().print(table)
    return 0


def _app(args: argparse.Namespace, models: "ServedModels") -> "Endpoint":
    if args.upstream is not None:
        return _proxy(args, models)
    from segforge.environment import is_loopback
    from segforge_mock.app import create_app
    from segforge_mock.faults.scenarios import scenarios
    from segforge_mock.faults.stubs import read_script
    from segforge_mock.stores import is_shared, open_store

    opening = float(models.gateway.assumptions["opening_credits"].value)
    profiles = [profile.name for profile in models.gateway.profiles]
    if args.profile not in profiles:
        raise _Misuse(f"--profile: expected one of {', '.join(profiles)}, found {args.profile!r}")
    keys = _keys(args)
    slugs = None if args.any_model else models.slugs
    stubs = read_script(args.script, scenarios(models.gateway), slugs) if args.script is not None else ()
    return create_app(
        models=models,
        store=open_store(args.store, opening) if is_shared(args.store) else None,
        keys=keys,
        profile=args.profile,
        images=args.images,
        time_scale=args.time_scale,
        job_policy=args.job_policy,
        public_url=args.public_url,
        any_model=args.any_model,
        stubs=stubs,
        chaos=args.chaos,
        seed=args.seed,
        rate_limit=args.rate_limit,
        admin=not args.no_admin and args.workers == 1 and (is_loopback(args.host) or args.admin_token is not None),
        admin_token=args.admin_token,
        allow_hosts=[*(args.allow_host or ()), *([args.host] if "." in args.host else ())],
        log=args.log,
        max_memory=args.max_memory,
    )


def _proxy(args: argparse.Namespace, models: "ServedModels") -> "Endpoint":
    import httpx

    from segforge.environment import BadEnvironment
    from segforge_mock.http.endpoint import Endpoint
    from segforge_mock.proxy.proxy import Proxy

    try:
        url = httpx.URL(args.upstream)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise _Misuse(f"--upstream: expected an http or https URL, found {args.upstream!r}")
    try:
        return Endpoint(Proxy(args.upstream, models))
    except BadEnvironment as error:
        raise _Misuse(str(error)) from None


def _keys(args: argparse.Namespace) -> list[str] | None:
    keys: list[str] = list(args.api_key or ())
    if args.keys_file is not None:
        keys += [line.strip() for line in args.keys_file.read_text("utf-8").splitlines() if line.strip()]
        if not keys:
            raise _Misuse(f"--keys-file: no key in {args.keys_file}; write one a line")
    return keys or None


_DEAF_UPSTREAM = (
    "admin_token",
    "allow_host",
    "any_model",
    "api_key",
    "chaos",
    "job_policy",
    "keys_file",
    "log",
    "max_memory",
    "images",
    "profile",
    "public_url",
    "rate_limit",
    "script",
    "seed",
    "store",
    "time_scale",
    "workers",
)
"""What says how the mock answers; the proxy forwards, and would not listen."""


def _check_options(args: argparse.Namespace) -> None:
    """Raise _Misuse or BadSetting for an option that would do nothing beside another, or can't be used."""
    from segforge_mock.http.callers import host_name

    if args.upstream is not None:
        untouched = argparse.ArgumentParser()
        configure(untouched)
        deaf = [name for name in _DEAF_UPSTREAM if getattr(args, name) != untouched.get_default(name)]
        if deaf:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in deaf)
            raise _Misuse(f"--upstream: forwards every request and makes no answers; leave out {options}")
    for option, value in (("--admin-token", args.admin_token), ("--allow-host", args.allow_host)):
        if args.no_admin and value is not None:
            raise _Misuse(f"--no-admin: switches off what {option} opens; leave out one of them")
    for host in args.allow_host or ():
        host_name("--allow-host", host)
    if args.public_url is not None:
        web_url("--public-url", args.public_url)
    memory("--max-memory", args.max_memory)
    if args.tls is not None and not args.tls.parent.is_dir():
        raise _Misuse(f"--tls: no folder {args.tls.parent} to write {args.tls.name} to; make it first")


def _tls(authority_file: Path | None) -> "ssl.SSLContext | None":
    from segforge_mock.http.tls import make_context

    return make_context(authority_file) if authority_file is not None else None


def _check_workers(args: argparse.Namespace) -> None:
    """Raise _Misuse where several workers can't do what the other arguments ask for."""
    from segforge_mock.stores import is_shared

    if args.workers == 1:
        return
    if "fork" not in multiprocessing.get_all_start_methods():
        raise _Misuse("--workers: this system can't fork processes; leave it out")
    if not is_shared(args.store):
        raise _Misuse("--workers: needs a store that they share: --store sqlite:///PATH or --store redis://HOST:PORT/0")
    for option, value in (("--admin-token", args.admin_token), ("--allow-host", args.allow_host)):
        if value is not None:
            raise _Misuse(f"{option}: the admin API reaches one process only; leave out --workers")


def _serve_workers(
    args: argparse.Namespace,
    models: "ServedModels",
    checked: "Endpoint",
    bound: socket.socket,
    tls: "ssl.SSLContext | None",
) -> int:
    """Serve with several processes. Each opens the store for itself; that of `checked` showed that it can be opened."""
    from segforge_mock.http.server import url_of
    from segforge_mock.http.workers import supervise
    from segforge_mock.stores.base import StoreError

    asyncio.run(checked.close())
    url = url_of(bound, "https" if tls is not None else "http")

    def announce(pids: list[int]) -> None:
        print(f"segforge mock: {url}", flush=True)
        print(f"segforge mock: workers {' '.join(map(str, pids))}", flush=True)

    def work(ready: Callable[[], None]) -> None:
        try:
            app = _app(args, models)
        except StoreError as error:
            raise SystemExit(_misuse(str(error))) from None
        _serve(app, bound, ready, tls)

    return supervise(work, args.workers, announce)


def _serve(app: "Endpoint", bound: socket.socket, ready: Callable[[], None], tls: "ssl.SSLContext | None") -> None:
    """Serve until SIGINT or SIGTERM, or in a worker until its supervisor is gone."""
    from segforge_mock.http.server import run as run_loop
    from segforge_mock.http.server import serve
    from segforge_mock.http.workers import on_stop

    # What was loaded stays, and a request leaves no cycles: the collector's usual pace costs a tenth of the time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)

    async def main() -> None:
        stop = asyncio.Event()
        on_stop(asyncio.get_running_loop(), stop.set)
        try:
            await serve(app, bound, ready, stop, tls)
        finally:
            await app.close()

    run_loop(main)


def _limit(text: str) -> int:
    if text in PLANS:
        return PLANS[text]
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(
            f"expected a whole number from 1 on or one of {', '.join(PLANS)}, found {text!r}; leave it out for no limit"
        )
    return int(text)


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 64, found {text!r}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, found {text!r}")
    return int(text)


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = -1
    if not 0 <= scale <= 1000:
        raise argparse.ArgumentTypeError(f"expected a factor from 0 to 1000, found {text!r}")
    return scale
