"""Loads house rules: from packages with an entry point in the group `segforge.rules`, and from named modules or files.

A module of rules is code that runs in this process, as a conftest.py does in pytest.
"""

import difflib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

from segforge.spec.printable import one_line, show
from segforge_contract.errors import Misuse
from segforge_contract.rules.house import HouseRule

GROUP: Final = "segforge.rules"
_FILE: Final = ".py"


def load(names: Iterable[str]) -> tuple[HouseRule, ...]:
    """Loads the rules of installed packages and the named ones; a rule that is named twice counts once.

    A name is `house.py:no_server_header` or `package.module:no_server_header`. Raises Misuse.
    """
    return tuple(dict.fromkeys([*_installed(), *(_named(name) for name in names)]))


def _installed() -> Iterator[HouseRule]:
    from importlib.metadata import entry_points

    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        origin = f"entry point {entry.name} of {GROUP} ({entry.value})"
        yield _checked(_attribute(_imported(entry.module, origin), entry.attr, origin), origin)


def _named(name: str) -> HouseRule:
    origin = f"house rule {show(name)}"
    module, colon, attribute = name.rpartition(":")
    if not colon or not module or not attribute.isidentifier():
        raise Misuse(f"{origin}: expected FILE.py:NAME or MODULE:NAME, such as house.py:no_server_header")
    loaded = _from_file(Path(module), origin) if module.endswith(_FILE) else _imported(module, origin)
    return _checked(_attribute(loaded, attribute, origin), origin)


def _from_file(file: Path, origin: str) -> ModuleType:
    path = file.resolve()
    if not path.is_file():
        raise Misuse(f"{origin}: no file {file}; correct its path")
    name = f"_segforge_house_{path.as_posix().encode().hex()}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Misuse(f"{origin}: {file} is not a Python file; expected a name that ends in {_FILE}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        _reraise(error, origin)
    return module


def _imported(name: str, origin: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except BaseException as error:
        _reraise(error, origin)
        raise


def _reraise(error: BaseException, origin: str) -> None:
    """Raises Misuse with the place of an error in the author's code. Ctrl-C passes."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    raise Misuse(f"{origin} can't be loaded: {in_words(error)}") from None


def in_words(error: BaseException) -> str:
    """An error of a rule's author in one line, with the place where it was raised."""
    if isinstance(error, Misuse):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    if isinstance(error, SyntaxError):
        place = f" ({Path(error.filename or '').name}:{error.lineno})"
    return f"{type(error).__name__}: {one_line(str(error))[:300]}{place}"


def _attribute(module: ModuleType, name: str, origin: str) -> object:
    if hasattr(module, name):
        return getattr(module, name)
    rules = [each for each, value in vars(module).items() if isinstance(value, HouseRule)]
    near = difflib.get_close_matches(name, rules, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else "its rules are functions with @house_rule"
    raise Misuse(f"{origin}: the module has no {show(name)}; {hint}")


def _checked(value: object, origin: str) -> HouseRule:
    if not isinstance(value, HouseRule):
        raise Misuse(f"{origin} is {type(value).__name__}; expected a function with @house_rule before it")
    return value
