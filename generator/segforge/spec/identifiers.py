"""Names in generated code: identifiers of slugs and parameters in Python and TypeScript."""

import keyword
import re
from functools import lru_cache

_SOFT_KEYWORDS = frozenset({"match", "case", "type", "_"})


def words(name: str) -> list[str]:
    """Returns the words of a name in lower case; the same for `flux-img2img`, `flux_img2img` and `fluxImg2img`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.findall(r"[A-Za-z0-9]+", apart)]


def snake_case(name: str) -> str:
    """Returns a Python identifier such as `flux_img2img`. Adds an underscore after keywords and before digits."""
    made = "_".join(words(name)) or "_".join(f"u{ord(character):x}" for character in name) or "_"
    if made[0].isdigit():
        made = f"_{made}"
    return f"{made}_" if keyword.iskeyword(made) or made in _SOFT_KEYWORDS else made


@lru_cache(maxsize=4096)
def pascal_case(name: str) -> str:
    """Returns a class name such as `FluxImg2img`, in Python and in TypeScript."""
    made = "".join(word[0].upper() + word[1:] for word in words(name)) or "U" + "".join(f"{ord(c):x}" for c in name)
    return f"_{made}" if made[0].isdigit() else made


def camel_case(name: str) -> str:
    """Returns a TypeScript property such as `fluxImg2img`."""
    made = pascal_case(name)
    return made[0].lower() + made[1:]
