"""Names of the Python client: what it exports, what models and results are called, and names that are taken."""

import builtins
import keyword
from typing import Final

from segforge.emit.clients.about import HeaderProperty, NamedModel
from segforge.emit.clients.errors import ErrorClass, error_classes
from segforge.emit.quoting import Code
from segforge.spec.catalog import Gateway, Header, Model
from segforge.spec.identifiers import pascal_case, snake_case
from segforge.spec.printable import joined

_ALWAYS_ERRORS: Final = (
    *(
        "CannotSend",
        "ConnectionFailed",
        "DownloadFailed",
        "InDoubt",
        "InferenceTimeout",
        "InvalidParameters",
        "JobFailed",
    ),
    *(
        "JournalError",
        "MissingApiKey",
        "RequestTimeout",
        "ResponseTooLarge",
        "ResultExpired",
        "SegmindError",
        "SpendLimit",
        "CostLimit",
        "UnexpectedOutput",
    ),
)

_RESULTS: Final = ("Audio", "Caption", "Chat", "Embedding", "Model3d", "Text", "Video")

_FIXED_EXPORTS: Final = {
    "AsyncJob": "_aio.job",
    "AsyncJobs": "_aio.jobs",
    "AsyncSegmind": "_aio.client",
    "AsyncStorage": "_aio.files",
    **dict.fromkeys(("ChatMessage", "ImagePart", "TextPart", "image_url"), "_chat"),
    "ChatUsage": "_results",
    "Directory": "_knowledge",
    "Estimate": "_prices",
    "Event": "_log",
    **dict.fromkeys(("FileLimiter", "Limiter", "RedisLimiter"), "_limiter"),
    "Gathered": "_results",
    "JobUpdate": "_results",
    **dict.fromkeys(("AudioInput", "FileInput", "ImageInput", "Model3dInput", "VideoInput"), "_media"),
    "Job": "_sync.job",
    "Jobs": "_sync.jobs",
    "JobResult": "_results",
    "JsonResult": "_results",
    "MediaResult": "_results",
    "ModelInfo": "_knowledge",
    "ModelWarning": "_errors",
    **dict.fromkeys((f"{kind}Result" for kind in _RESULTS), "_results"),
    "Segmind": "_sync.client",
    "SegmindClient": "_default",
    "Spend": "_spend",
    "Storage": "_sync.files",
    "Violation": "_check",
    **dict.fromkeys(("chat", "chat_sync", "submit_chat"), "_default"),
    "run": "_default",
    "run_sync": "_default",
    "submit_async": "_default",
    **dict.fromkeys(_ALWAYS_ERRORS, "_errors"),
}

# Names of a client's attributes, present and planned, which no model may take.
_CLIENT_NAMES: Final = frozenset(
    {
        "aclose",
        "base_url",
        "close",
        "credits",
        "estimate",
        "files",
        "gather",
        "jobs",
        "map_models",
        "max_spend",
        "models",
        "run",
        "run_async",
    }
    | {"chat", "chat_sync", "submit_chat"}
    | {"run_sync", "spend", "submit_async", "timeout", "upload", "with_options"}
)

_CLASS_NAMES: Final = frozenset(
    {
        *keyword.kwlist,
        *dir(builtins),
        *_FIXED_EXPORTS,
        *("Any", "Json", "Literal", "OMITTED"),
        "AsyncModel",
        "AsyncModels",
        "AsyncTransport",
        "ClassVar",
        "Final",
    }
    | {"Model", "Models", "Transport", "Unpack"}
)
_RESULT_NAMES: Final = frozenset({"content", "content_type", "data", "headers", "images", "raw", "save", "show"})
_CONVERSIONS: Final = {"string": ("str", ""), "integer": ("int", "integer_of"), "number": ("float", "number_of")}


def exports_of(gateway: Gateway) -> dict[str, str]:
    """Returns each public name with the module that defines it."""
    return {**_FIXED_EXPORTS, **{error.name: "_errors" for error in errors_of(gateway)}}


def named_model(model: Model) -> NamedModel:
    """Returns a model with its names in the Python client."""
    attribute = snake_case(model.slug)
    name = pascal_case(model.slug)
    if name.startswith("_"):  # the slug starts with a digit; a leading underscore would mean "private"
        attribute, name = f"model{attribute}", f"Model{name[1:]}"
    return NamedModel(
        model,
        attribute=Code(f"{attribute}_" if attribute in _CLIENT_NAMES else attribute),
        module=Code(attribute),
        name=Code(f"{name}_" if name in _CLASS_NAMES else name),
    )


def errors_of(gateway: Gateway) -> list[ErrorClass]:
    """Returns the client's error classes."""
    return error_classes(gateway, _CLASS_NAMES)


def header_property(header: Header) -> HeaderProperty:
    """Returns the property of a header: `request_id` of `x-request-id`, `seed` of `x-seed-value`."""
    attribute = snake_case(header.name.removeprefix("x-").removesuffix("-value"))
    python_type, convert = _CONVERSIONS[header.type]
    text = joined(header.description, f"From the header `{header.name}`; None if it is missing.")
    named = Code(f"{attribute}_" if attribute in _RESULT_NAMES else attribute)
    return HeaderProperty(named, header.name, Code(python_type), text, Code(convert))
