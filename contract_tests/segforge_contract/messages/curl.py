"""A request as a command for a POSIX shell that sends the same bytes again, the key taken from the environment."""

import shlex

from segforge_contract.messages.request import INVALID_KEY, Request


def curl(request: Request, base_url: str, *, key_header: str = "x-api-key") -> str:
    """The curl command. It reads the key from SEGMIND_API_KEY, so that it can be pasted into an issue."""
    words = ["curl", "-sS", "-i"]
    if request.method != ("GET" if request.body is None else "POST"):
        words += ["-X", shlex.quote(request.method)]
    words.append(shlex.quote(base_url + request.path))
    if request.key == "valid":
        words += ["-H", f'"{key_header}: $SEGMIND_API_KEY"']
    elif request.key == "invalid":
        words += ["-H", shlex.quote(f"{key_header}: {INVALID_KEY}")]
    if request.content_type is not None:
        words += ["-H", shlex.quote(f"Content-Type: {request.content_type}")]
    elif request.body is not None:
        words += ["-H", "'Content-Type:'"]  # else curl sends one of its own
    if request.body is None:
        return " ".join(words)
    text = _plain(request.body)
    if text is not None:
        return " ".join([*words, "--data-raw", shlex.quote(text)])
    return f"printf -- {shlex.quote(_octal(request.body))} | {' '.join([*words, '--data-binary', '@-'])}"


def _plain(body: bytes) -> str | None:
    """The body as text, None if it holds anything that a terminal would not show as it is."""
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        return None
    return text if not text or text.isprintable() else None


def _octal(body: bytes) -> str:
    r"""The body as a format of printf(1): plain ASCII as it is, every other byte as \ooo."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b"\\%" else f"\\{byte:03o}" for byte in body)
