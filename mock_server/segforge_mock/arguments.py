"""The arguments of `segforge mock`: their declaration, their checks and the MockSettings that they mean."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from segforge.options import Misuse, OptionType, number, port, whole_number
from segforge_mock.bounds import MAX_CREDITS, MAX_TIME_SCALE, PLANS, memory, web_url
from segforge_mock.memory import DEFAULT_MIB

if TYPE_CHECKING:
    from segforge_mock.models.served import ServedModels
    from segforge_mock.settings import MockSettings


_LIMIT_SCHEMA: Final = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "enum": list(PLANS)}]}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port, default=8086, help="port to listen on; 0 for any free one (%(default)s)")
    parser.add_argument(
        "--api-key", action="append", metavar="KEY", help="accept only this key (default: any); repeatable"
    )
    parser.add_argument(
        "--keys-file", type=Path, metavar="FILE", help="accept only the keys in this file, one per line"
    )
    parser.add_argument(
        "--key-format",
        choices=("any", "documented"),
        default="any",
        help="any key but one that starts with invalid (default), or only keys in the documented format",
    )
    parser.add_argument("--specs", type=Path, metavar="DIR", help="serve the models of these specs instead")
    parser.add_argument("--any-model", action="store_true", help="also serve slugs without a spec, with any payload")
    parser.add_argument("--profile", default="documented", help="documented (default) or observed")
    parser.add_argument(
        "--media",
        "--images",
        choices=("full", "plain", "tiny"),
        default="full",
        help="detail of outputs: plain and tiny ones are faster (--images is the former name)",
    )
    parser.add_argument(
        "--stop-on-eof", action="store_true", help="stop when standard input ends, for programs that start the mock"
    )
    parser.add_argument("--public-url", metavar="URL", help="start of URLs in answers (default: the caller's Host)")
    parser.add_argument("--log", action="store_true", help="write one line of JSON per request to standard error")
    parser.add_argument(
        "--tls",
        type=Path,
        metavar="FILE",
        help="serve https for Segmind's host names; the certificate to trust is written to FILE",
    )
    parser.add_argument(
        "--upstream",
        metavar="URL",
        help="forward requests to this gateway, and report differences between its answers and the specs",
    )
    recordings = parser.add_argument_group("recordings")
    recordings.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="store each exchange with the --upstream in this folder, without keys",
    )
    recordings.add_argument(
        "--small-media", action="store_true", help="with --record: store a small file of the same kind for large media"
    )
    recordings.add_argument(
        "--replay", type=Path, metavar="DIR", help="answer recorded requests from this folder, others from the specs"
    )
    recordings.add_argument(
        "--strict-replay", action="store_true", help="with --replay: refuse requests that were not recorded"
    )
    state = parser.add_argument_group("state")
    state.add_argument("--store", metavar="URL", help="memory (default), sqlite:///PATH or redis://HOST:PORT/DATABASE")
    state.add_argument(
        "--workers",
        type=whole_number(1, 64),
        default=1,
        metavar="N",
        help="number of processes; more than one need a shared --store and have no admin API (default: %(default)s)",
    )
    state.add_argument(
        "--max-memory",
        type=int,
        default=DEFAULT_MIB,
        metavar="MIB",
        help="memory limit per process, in MiB; the oldest entries are dropped first (default: %(default)s)",
    )
    parser.add_argument(
        "--webhook-host",
        action="append",
        metavar="NAME",
        help="send webhooks to this host, too; repeatable (default: to this machine, if --host is loopback)",
    )
    time = parser.add_argument_group("time")
    time.add_argument(
        "--time-scale",
        type=number(0, MAX_TIME_SCALE, noun="a factor"),
        default=0.01,
        metavar="FACTOR",
        help="duration of a run relative to the real gateway; 0 for none (default: %(default)s)",
    )
    time.add_argument("--job-policy", metavar="HOW", help="how jobs progress: instant, seconds=S, polls=N or held")
    faults = parser.add_argument_group("faults and limits")
    faults.add_argument("--list-scenarios", action="store_true", help="list the scenarios and exit")
    faults.add_argument("--script", type=Path, metavar="FILE", help="YAML file of stubs, under the key rules")
    faults.add_argument("--chaos", metavar="NAME=RATE,...", help="play these scenarios at random, at these rates")
    faults.add_argument("--seed", type=int, default=0, help="seed of chaos and of random latencies (%(default)s)")
    faults.add_argument(
        "--credits",
        type=number(0, MAX_CREDITS, noun="a number of credits"),
        metavar="AMOUNT",
        help=f"opening balance of each key (default: {MAX_CREDITS:,.0f}, so that load tests don't use it up)",
    )
    faults.add_argument(
        "--rate-limit",
        type=OptionType(_limit, _LIMIT_SCHEMA),
        metavar="PLAN",
        help=f"requests per minute and key: a number or {', '.join(PLANS)}",
    )
    admin = parser.add_argument_group("admin API (under /_mock)")
    admin.add_argument("--no-admin", action="store_true", help="switch the admin API off")
    admin.add_argument("--allow-host", action="append", metavar="NAME", help="accept this host name; repeatable")
    admin.add_argument(
        "--admin-token", metavar="TOKEN", help="require this x-mock-token; needed to listen on other than loopback"
    )


_UNUSED_WITH_UPSTREAM: Final = (
    "admin_token",
    "allow_host",
    "any_model",
    "api_key",
    "chaos",
    "credits",
    "job_policy",
    "key_format",
    "keys_file",
    "log",
    "max_memory",
    "media",
    "profile",
    "public_url",
    "rate_limit",
    "replay",
    "script",
    "seed",
    "store",
    "strict_replay",
    "time_scale",
    "webhook_host",
    "workers",
)


def check(args: argparse.Namespace) -> None:
    """Raises Misuse or BadSetting for arguments that are not valid or have no effect together."""
    from segforge_mock.http.callers import host_name

    if args.upstream is not None:
        _check_upstream(args)
    _check_recordings(args)
    for option, value in (("--admin-token", args.admin_token), ("--allow-host", args.allow_host)):
        if value is not None and args.no_admin:
            raise Misuse(f"{option} has no effect with --no-admin; leave out one of them")
        if value is not None and args.workers > 1:
            raise Misuse(f"{option} has no effect with --workers, which has no admin API; leave out one of them")
    if args.key_format != "any" and (args.api_key or args.keys_file):
        raise Misuse("--key-format has no effect with --api-key or --keys-file; leave out one of them")
    for option, hosts in (("--allow-host", args.allow_host), ("--webhook-host", args.webhook_host)):
        for host in hosts or ():
            host_name(option, host)
    if args.public_url is not None:
        web_url("--public-url", args.public_url)
    memory("--max-memory", args.max_memory)
    if args.tls is not None and not args.tls.parent.is_dir():
        raise Misuse(f"--tls: the folder {args.tls.parent} of {args.tls.name} doesn't exist; create it first")
    if args.workers > 1:
        _check_workers(args)


def _check_recordings(args: argparse.Namespace) -> None:
    for option, value, needed, present in (
        ("--record", args.record, "--upstream URL, whose answers it stores", args.upstream),
        ("--small-media", args.small_media, "--record DIR", args.record),
        ("--strict-replay", args.strict_replay, "--replay DIR", args.replay),
    ):
        if value and present is None:
            raise Misuse(f"{option} has no effect alone; add {needed}")
    if args.replay is not None and args.workers > 1:
        raise Misuse("--replay: each process would count the answers by itself; leave out --workers")


def _check_upstream(args: argparse.Namespace) -> None:
    untouched = argparse.ArgumentParser()
    configure(untouched)
    unused = [name for name in _UNUSED_WITH_UPSTREAM if getattr(args, name) != untouched.get_default(name)]
    if unused:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in unused)
        raise Misuse(f"--upstream forwards every request and answers none itself; leave out {options}")


def _check_workers(args: argparse.Namespace) -> None:
    import multiprocessing

    from segforge_mock.stores import is_shared

    if "fork" not in multiprocessing.get_all_start_methods():
        raise Misuse("--workers: this operating system can't fork processes; leave it out")
    if args.stop_on_eof:
        raise Misuse("--stop-on-eof has no effect with --workers; leave out one of them")
    if not is_shared(args.store):
        raise Misuse("--workers: processes need a shared store; add --store sqlite:///PATH or redis://HOST:PORT/0")


def settings_of(args: argparse.Namespace, models: "ServedModels") -> "MockSettings":
    """Returns the settings of a mock with these models. Raises Misuse, BadSetting and OSError."""
    from segforge.environment import is_loopback
    from segforge_mock.faults.reading import read_script
    from segforge_mock.faults.scenarios import scenarios
    from segforge_mock.http.callers import LOOPBACK
    from segforge_mock.settings import MockSettings

    profiles = [profile.name for profile in models.gateway.profiles]
    if args.profile not in profiles:
        raise Misuse(f"--profile: expected one of {', '.join(profiles)}, found {args.profile!r}")
    slugs = None if args.any_model else models.slugs
    return MockSettings(
        keys=_keys(args),
        key_format=args.key_format,
        profile=args.profile,
        media=args.media,
        time_scale=args.time_scale,
        job_policy=args.job_policy,
        public_url=args.public_url,
        any_model=args.any_model,
        stubs=read_script(args.script, scenarios(models.gateway), slugs) if args.script is not None else (),
        chaos=args.chaos,
        seed=args.seed,
        credits=args.credits,
        rate_limit=args.rate_limit,
        admin=not args.no_admin and args.workers == 1 and (is_loopback(args.host) or args.admin_token is not None),
        admin_token=args.admin_token,
        webhook_hosts=[*(args.webhook_host or ()), *((LOOPBACK,) if is_loopback(args.host) else ())],
        allow_hosts=[*(args.allow_host or ()), *([args.host] if "." in args.host else ())],
        log=args.log,
        max_memory=args.max_memory,
        replay=args.replay,
        strict_replay=args.strict_replay,
    )


def _keys(args: argparse.Namespace) -> list[str] | None:
    keys: list[str] = list(args.api_key or ())
    if args.keys_file is not None:
        keys += [line.strip() for line in args.keys_file.read_text("utf-8").splitlines() if line.strip()]
        if not keys:
            raise Misuse(f"--keys-file: {args.keys_file} holds no key; write one key per line")
    return keys or None


def _limit(text: str) -> int:
    if text in PLANS:
        return PLANS[text]
    try:
        return whole_number(1)(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; a plan ({', '.join(PLANS)}) is valid too") from None
