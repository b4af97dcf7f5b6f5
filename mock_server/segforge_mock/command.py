"""Serve a mock of the gateway: v1 answers pictures, v2 queues jobs, nothing is billed."""

import argparse
import sys
from pathlib import Path

from segforge.commands.console import console


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=8086, help="port to listen on, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument("--api-key", action="append", metavar="KEY", help="accept only this key; may be given again")
    parser.add_argument("--specs", type=Path, metavar="DIR", help="serve the models of these specs instead of our own")
    parser.add_argument(
        "--time-scale",
        type=_scale,
        default=0.01,
        metavar="FACTOR",
        help="how long a run takes against the real gateway; 0 for no time (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; gives 2 where the address can't be had, 1 where the specs are wrong."""
    from segforge.spec.finding import SpecError
    from segforge_mock.app import create_app
    from segforge_mock.emitted import models_of
    from segforge_mock.server import listen, serve, url_of

    try:
        models = models_of(args.specs) if args.specs is not None else None
    except SpecError as error:
        for finding in error.findings:
            console(error=True).print(str(finding), style="red", markup=False)
        return 1
    try:
        bound = listen(args.host, args.port)
    except OSError as error:
        reason = error.strerror or str(error)
        address = f"{args.host}:{args.port}"
        message = f"segforge mock: can't listen on {address}: {reason}; choose another --port, or 0 for a free one"
        console(error=True).print(message, style="red", markup=False)
        return 2
    app = create_app(models=models, time_scale=args.time_scale, keys=args.api_key)
    serve(app, bound, lambda: print(f"segforge mock: {url_of(bound)}", file=sys.stdout, flush=True))
    return 0


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
