"""Opens a target by name: a URL, `live` or `mock`."""

from pathlib import Path

from segforge.spec.catalog import Catalog
from segforge_contract.errors import BadTarget
from segforge_contract.targets.base import Target
from segforge_contract.targets.http import HttpTarget
from segforge_contract.targets.in_process import AsgiTarget

IN_PROCESS = "mock"
LIVE = "live"
_IN_PROCESS_KEY = "SG_0123456789abcdef"
_IN_PROCESS_OTHER_KEY = "SG_fedcba9876543210"
_IN_PROCESS_CREDITS = 10_000.0  # a campaign spends less
_IN_PROCESS_JOBS = "polls=3"  # a job ends at once, and polls still see every state


def open_target(text: str, key: str | None, catalog: Catalog, own_specs: Path | None = None) -> Target:
    """Returns the named target: a URL, `live`, or `mock`, which serves segforge's specs or those in `own_specs`.

    Raises BadTarget.
    """
    auth = catalog.gateway.auth
    if text == IN_PROCESS:
        try:
            from segforge_mock.app import create_app
            from segforge_mock.models.own_specs import models_of
        except ImportError as error:
            raise BadTarget(f"the mock can't be loaded: {error}") from None
        models = None if own_specs is None else models_of(own_specs)
        own, other = key or _IN_PROCESS_KEY, _IN_PROCESS_OTHER_KEY
        app = create_app(
            models=models,
            credits=_IN_PROCESS_CREDITS,
            keys=(own, other),  # otherwise it accepts any key, and no wrong one can be tested
            profile=catalog.gateway.profiles[0].name,
            time_scale=0,
            job_policy=_IN_PROCESS_JOBS,
            images="plain",
        )
        return AsgiTarget(app, own, key_header=auth.header, other_keys=(other,))
    if not key:
        raise BadTarget(f"no API key; set it in the environment: export {auth.environment}=SG_...")
    return HttpTarget(catalog.gateway.base_url if text == LIVE else text, key, key_header=auth.header)
