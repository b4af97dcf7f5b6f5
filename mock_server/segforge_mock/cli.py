"""Serve a mock of the gateway. v1 returns outputs, v2 queues jobs, and nothing is billed."""

import argparse
import asyncio
import gc
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segforge.options import Misuse
from segforge_mock.arguments import check, configure, settings_of
from segforge_mock.bounds import BadSetting

if TYPE_CHECKING:
    import ssl

    from segforge_mock.app import App
    from segforge_mock.http.endpoint import AsgiEndpoint
    from segforge_mock.models.served import ServedModels
    from segforge_mock.recordings.recorder import Recorder
    from segforge_mock.settings import MockSettings

__all__ = ["configure", "run"]


@dataclass(frozen=True)
class _Serving:
    """The number of processes, and the function by which each makes its application. It raises StoreError."""

    make: "Callable[[], AsgiEndpoint]"
    workers: int
    has_console: bool = False


def run(args: argparse.Namespace) -> int:
    """Serves until SIGINT or SIGTERM. Returns 2 for arguments that are not valid, 1 for errors in the specs."""
    from segforge.spec.finding import SpecError
    from segforge_mock.http.server import listen, url_of
    from segforge_mock.stores.base import StoreError

    try:
        models = _models(args.specs)
        if args.list_scenarios:
            return _list_scenarios(models)
        check(args)
        serving = _serving(args, models)
        app = serving.make()
        tls = _tls(args.tls)
    except SpecError as error:
        for finding in error.findings:
            _print_error(str(finding))
        return 1
    except (BadSetting, StoreError, OSError, Misuse) as error:
        return _misuse(str(error))
    try:
        bound = listen(args.host, args.port)
    except OSError as error:
        reason = error.strerror or str(error)
        return _misuse(f"can't listen on {args.host}:{args.port}: {reason}; choose another --port, or 0 for a free one")
    url = url_of(bound, "https" if tls is not None else "http")
    if serving.workers > 1:
        asyncio.run(app.close())  # each worker opens the store itself
        return _serve_workers(serving, bound, url, tls)
    lines = [f"segforge mock: {url}", *([f"segforge mock: console at {url}/_mock/"] if serving.has_console else [])]
    _serve(app, bound, lambda: print("\n".join(lines), flush=True), tls, stop_on_eof=args.stop_on_eof)
    return 0


def _serving(args: argparse.Namespace, models: "ServedModels") -> _Serving:
    """Converts the arguments. Raises Misuse, BadSetting and OSError."""
    if args.upstream is not None:
        upstream: str = args.upstream
        return _Serving(lambda: _proxy(upstream, models, args.record, small_media=args.small_media), 1)
    settings = settings_of(args, models)
    store: str | None = args.store
    return _Serving(lambda: _app(settings, models, store), args.workers, has_console=settings.admin)


def _models(specs: Path | None) -> "ServedModels":
    if specs is None:
        from segforge_mock.models.served import packaged_models

        return packaged_models()
    from segforge_mock.models.own_specs import models_of

    return models_of(specs)


def _app(settings: "MockSettings", models: "ServedModels", store: str | None) -> "App":
    from segforge_mock.app import make_app, opening_credits
    from segforge_mock.stores import is_shared, open_store

    opening = opening_credits(settings, models.gateway)
    return make_app(settings, models=models, store=open_store(store, opening) if is_shared(store) else None)


def _proxy(upstream: str, models: "ServedModels", record: Path | None, *, small_media: bool) -> "AsgiEndpoint":
    """Returns the proxy to an upstream. Raises Misuse, and OSError for a folder that can't be written."""
    import httpx

    from segforge.environment import BadEnvironment
    from segforge_mock.http.endpoint import AsgiEndpoint
    from segforge_mock.proxy.proxy import Proxy

    try:
        url = httpx.URL(upstream)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise Misuse(f"--upstream: expected an http or https URL, found {upstream!r}")
    try:
        return AsgiEndpoint(Proxy(upstream, models, recorder=_recorder(upstream, models, record, small_media)))
    except BadEnvironment as error:
        raise Misuse(str(error)) from None


def _recorder(upstream: str, models: "ServedModels", folder: Path | None, small_media: bool) -> "Recorder | None":
    if folder is None:
        return None
    from segforge_mock.recordings.folder import RecordingFolder
    from segforge_mock.recordings.recorder import Recorder

    return Recorder(RecordingFolder(folder, small_media=small_media), upstream, (models.gateway.base_url,))


def _tls(authority_file: Path | None) -> "ssl.SSLContext | None":
    from segforge_mock.http.tls import make_context

    return make_context(authority_file) if authority_file is not None else None


def _list_scenarios(models: "ServedModels") -> int:
    from rich.table import Table

    from segforge.console import console
    from segforge_mock.faults.scenarios import scenarios

    table = Table("scenario", "effect")
    for name, scenario in scenarios(models.gateway).items():
        table.add_row(name, scenario.description)
    console().print(table)
    return 0


def _serve_workers(serving: _Serving, bound: socket.socket, url: str, tls: "ssl.SSLContext | None") -> int:
    """Serves with several processes, each with its own connection to the store."""
    from segforge_mock.http.workers import supervise
    from segforge_mock.stores.base import StoreError

    def announce(pids: list[int]) -> None:
        print(f"segforge mock: {url}", flush=True)
        print(f"segforge mock: workers {' '.join(map(str, pids))}", flush=True)

    def work(ready: Callable[[], None]) -> None:
        try:
            app = serving.make()
        except StoreError as error:
            raise SystemExit(_misuse(str(error))) from None
        _serve(app, bound, ready, tls)

    return supervise(work, serving.workers, announce)


def _serve(
    app: "AsgiEndpoint",
    bound: socket.socket,
    ready: Callable[[], None],
    tls: "ssl.SSLContext | None",
    *,
    stop_on_eof: bool = False,
) -> None:
    """Serves until SIGINT or SIGTERM, or the end of standard input, or in a worker until its supervisor exits."""
    from segforge_mock.http.server import run as run_loop
    from segforge_mock.http.server import serve
    from segforge_mock.http.workers import on_eof, on_stop

    # Loaded objects stay, and requests leave no reference cycles. The default collector would take a tenth of the time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)

    async def main() -> None:
        stop = asyncio.Event()
        on_stop(asyncio.get_running_loop(), stop.set)
        if stop_on_eof:
            on_eof(asyncio.get_running_loop(), stop.set)
        try:
            await serve(app, bound, ready, stop, tls)
        finally:
            await app.close()

    run_loop(main)


def _misuse(message: str) -> int:
    _print_error(f"segforge mock: {message}")
    return 2


def _print_error(message: str) -> None:
    from segforge.console import console

    console(error=True).print(message, style="red", markup=False)
