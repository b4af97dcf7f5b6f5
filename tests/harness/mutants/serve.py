"""Serves a mutant over HTTP, or the mock without a fault: `python -m tests.harness.mutants.serve NAME --port 0`.

It prints its URL once it accepts connections, and stops when its standard input ends, so it never outlives the program
that started it. Then it prints one line of JSON with the number of requests and of billed requests.
"""

import argparse
import asyncio
import json
import sys

from segforge_mock import create_app
from segforge_mock.http.request import Message, Receive, Scope, Send
from segforge_mock.http.server import listen, run, serve, url_of
from tests.harness.mutants.original import KEY, Faulty, plain_images
from tests.harness.mutants.table import MUTANTS
from tests.harness.mutants.trial import POLICY
from tests.seeds import seed_catalog

CORRECT = "correct"


class Counted:
    """Counts the requests to an app."""

    def __init__(self, app: Faulty) -> None:
        self._app = app
        self.requests = 0
        self.billed = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        self.requests += 1

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["method"] == "POST":
                self.billed += message["status"] in (200, 201, 202)
            await send(message)

        await self._app(scope, receive, noted)


def faulty(name: str) -> Faulty:
    """Returns the named mutant, or the mock without a fault."""
    mutant = MUTANTS.get(name)
    profile = "documented" if mutant is None else mutant.profile
    app = create_app(time_scale=0, job_policy=POLICY, profile=profile, keys=[KEY])
    return Faulty(app, seed_catalog(), (lambda a, b: b(a)) if mutant is None else mutant.make())


async def _serve(name: str, port: int) -> None:
    app, stop, bound = Counted(faulty(name)), asyncio.Event(), listen("127.0.0.1", port)
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, lambda: (sys.stdin.read(), loop.call_soon_threadsafe(stop.set)))
    await serve(app, bound, lambda: print(url_of(bound), flush=True), stop)
    print(json.dumps({"requests": app.requests, "billed": app.billed}))


def main() -> None:
    """Serves the mutant named on the command line."""
    parser = argparse.ArgumentParser(description="Serve the mock with one seeded fault.")
    parser.add_argument("name", choices=[CORRECT, *MUTANTS], metavar="NAME", help="a mutant, or correct")
    parser.add_argument("--port", type=int, default=0, help="default: a free port")
    args = parser.parse_args()
    with plain_images():
        run(lambda: _serve(args.name, args.port))


if __name__ == "__main__":
    main()
