"""The random models from which tests take theirs, drawn once for all workers of a run.

They are drawn in a process of its own, with a fixed hash seed, since Hypothesis also draws constants from the modules
that a process has imported. So each test gets the same models, whichever tests ran before it.
"""

import os
import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from hypothesis import Phase, given, settings

from segforge.spec.catalog import Model
from tests import catalogs
from tests.shared import once_in

COMMON: Final = "SEGFORGE_TESTS_COMMON"
"""The environment variable that names the folder which all workers of a run share."""
SIZE: Final = 80
"""Models in the pool. A test that wants more draws its own."""
_DRAW: Final = "import sys; from tests.harness.pool import write; write(sys.argv[1], nested=sys.argv[2] == 'nested')"


def models(count: int, *, nested: bool) -> list[Model]:
    """Returns `count` models, always the same, all with the same slug."""
    if count > SIZE or COMMON not in os.environ:
        return draw(count, nested=nested)
    pool = _pool("nested" if nested else "flat")
    return [pool[number * SIZE // count] for number in range(count)]  # models that are drawn in a row may be alike


@cache
def _pool(kind: str) -> list[Model]:
    def make(folder: Path) -> None:
        command = [sys.executable, "-c", _DRAW, str(folder / "models"), kind]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, check=True)

    folder = once_in(Path(os.environ[COMMON]), f"drawn-{kind}", make)
    found: list[Model] = pickle.loads((folder / "models").read_bytes())
    return found


def write(path: str, *, nested: bool) -> None:
    """Draws the pool, and writes it to a file."""
    Path(path).write_bytes(pickle.dumps(draw(SIZE, nested=nested)))


def draw(count: int, *, nested: bool) -> list[Model]:
    """Draws `count` models, all different."""
    found: dict[str, Model] = {}

    @settings(
        max_examples=3 * count,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=catalogs.SLOW,
    )
    @given(model=catalogs.models(nested=nested))
    def collect(model: Model) -> None:
        found[repr(model)] = model

    collect()
    assert len(found) >= count
    return [*found.values()][-count:]
