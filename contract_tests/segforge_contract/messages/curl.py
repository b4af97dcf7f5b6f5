"""Prints a request as a command for a POSIX shell. It sends the same bytes and reads the key from the environment."""

import shlex

from segforge_contract.messages.request import FIXED_KEYS, Request


def curl(request: Request, base_url: str, *, key_header: str = "x-api-key") -> str:
    """Returns the curl command. It reads the key from SEGMIND_API_KEY, so it is safe to paste into an issue."""
    words = ["curl", "-sS", "-i"]
    if request.method != ("GET" if request.body is None else "POST"):
        words += ["-X", shlex.quote(request.method)]
    words.append(shlex.quote(base_url + request.path))
    if request.key == "valid":
        words += ["-H", f'"{key_header}: $SEGMIND_API_KEY"']
    elif request.key == "recased":
        words += ["-H", f'"{key_header}: $(printf %s "$SEGMIND_API_KEY" | tr a-zA-Z A-Za-z)"']
    elif request.key != "missing":
        words += ["-H", shlex.quote(f"{key_header}: {FIXED_KEYS[request.key]}")]
    if request.content_type is not None:
        words += ["-H", shlex.quote(f"Content-Type: {request.content_type}")]
    elif request.body is not None:
        words += ["-H", "'Content-Type:'"]  # without this, curl sends a Content-Type of its own
    if request.body is None:
        return " ".join(words)
    text = _plain(request.body)
    if text is not None:
        return " ".join([*words, "--data-raw", shlex.quote(text)])
    return f"printf -- {shlex.quote(_octal(request.body))} | {' '.join([*words, '--data-binary', '@-'])}"


def _plain(body: bytes) -> str | None:
    """Returns the body as text, or None if it holds characters that a terminal doesn't print."""
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        return None
    return text if not text or text.isprintable() else None


def _octal(body: bytes) -> str:
    r"""Returns the body as a printf(1) format: printable ASCII unchanged, every other byte as \ooo."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b"\\%" else f"\\{byte:03o}" for byte in body)
