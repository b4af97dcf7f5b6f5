"""Names of the TypeScript client: what models, results and errors are called, and names that are taken."""

from collections.abc import Iterable
from typing import Final

from segforge.emit.clients.about import HeaderProperty, NamedModel
from segforge.emit.quoting import Code
from segforge.spec.catalog import Header, Model
from segforge.spec.identifiers import camel_case, pascal_case, words
from segforge.spec.printable import joined

FIXED_ERRORS: Final = (
    "CannotSend",
    "ConnectionFailed",
    "CostLimit",
    "DownloadFailed",
    "InferenceTimeout",
    "InvalidParameters",
    "MissingApiKey",
    "RequestAborted",
    "RequestTimeout",
    "ResponseTooLarge",
    "ResultExpired",
    "SegmindError",
    "SpendLimit",
    "UnexpectedOutput",
)

# Names that the client exports or that the modules of models use. No model's class may take one of them.
CLASS_NAMES: Final = frozenset(
    {*FIXED_ERRORS, "CallOptions", "ClientEvent", "Clock", "ConnectionOptions", "Directory", "ErrorFacts"}
    | {
        "GatherOptions",
        "Job",
        "JobFailed",
        "JobRecord",
        "Jobs",
        "JsonObject",
        "JsonResult",
        "MediaInput",
        "MediaResult",
    }
    | {"ChatMessage", "ChatMessages", "ChatUsage", "Estimate", "ImagePart", "ModelInfo", "TextPart"}
    | {"AudioInput", "AudioResult", "CaptionResult", "ChatResult", "Condition", "EmbeddingResult", "FileInput", "Form"}
    | {"Json", "JsonMap", "Model3dInput", "Model3dResult", "NonNullable", "Parameter", "TextResult"}
    | {"ArrayBuffer", "Blob", "URL", "Uint8Array", "VideoInput", "VideoResult"}
    | {"Model", "Object", "Promise"}
    | {
        "Result",
        "SavedJob",
        "Segmind",
        "SegmindClient",
        "SegmindCore",
        "SegmindOptions",
        "SentRequest",
        "Spend",
        "Storage",
    }
    | {"Violation", "WaitOptions"}
)

# Names of a client's attributes, or of properties that JavaScript looks up on any object.
_CLIENT_NAMES: Final = frozenset(
    {
        "baseUrl",
        "chat",
        "chatSync",
        "constructor",
        "credits",
        "estimate",
        "files",
        "gather",
        "hasOwnProperty",
        "isPrototypeOf",
        "jobs",
        "maxSpend",
    }
    | {
        "models",
        "prototype",
        "propertyIsEnumerable",
        "run",
        "runAsync",
        "runSync",
        "spend",
        "submitAsync",
        "submitChat",
        "then",
        "timeout",
    }
    | {"toJSON", "toLocaleString", "toString", "valueOf"}
)

_RESULT_NAMES: Final = frozenset(
    {"arrayBuffer", "blob", "constructor", "content", "contentType", "data", "headers", "images", "raw", "save"}
    | {"then", "toJSON", "toLocaleString", "toString", "valueOf"}
)


class TypescriptModel(NamedModel):
    """A model with its names in the TypeScript client."""

    @property
    def params(self) -> Code:
        """The interface of a call's parameters."""
        return Code(f"{self.name}Params")

    @property
    def job(self) -> Code:
        """The class of a job."""
        return Code(f"Job<{self.result}>")

    @property
    def result_module(self) -> Code:
        """The module of the class of a call's result."""
        if self.result in ("JsonResult", "MediaResult"):
            return Code("results")
        return Code("files" if self.model.returns.media in ("video", "audio", "model3d") else "documents")

    @property
    def versions(self) -> str:
        """The API versions, separated by spaces."""
        return " ".join(self.model.versions)


def class_names(slugs: Iterable[str]) -> list[str]:
    """Returns a unique class name for each slug; none is a name of JavaScript or an export of the client."""
    taken = set(CLASS_NAMES)
    names = []
    for slug in slugs:
        name = _unprefixed(pascal_case(slug))
        while {name, f"{name}Params"} & taken:
            name += "_"
        taken |= {name, f"{name}Params"}
        names.append(name)
    return names


def _unprefixed(name: str) -> str:
    """Replaces the underscore in the name of a slug that starts with a digit by "Model"."""
    return f"Model{name[1:]}" if name.startswith("_") else name


def named_model(model: Model, name: str) -> TypescriptModel:
    """Returns a model with its names in the TypeScript client; `name` is its class."""
    attribute, pascal = camel_case(model.slug), pascal_case(model.slug)
    if pascal.startswith("_"):  # the slug starts with a digit
        attribute = f"model{pascal}"
    return TypescriptModel(
        model,
        attribute=Code(f"{attribute}_" if attribute in _CLIENT_NAMES else attribute),
        module=Code("-".join(words(model.slug)) or attribute),
        name=Code(name),
    )


def header_property(header: Header) -> HeaderProperty:
    """Returns the property of a header: `requestId` of `x-request-id`, `seed` of `x-seed-value`."""
    attribute = camel_case(header.name.removeprefix("x-").removesuffix("-value"))
    large = " or beyond 2^53" if header.type == "integer" else ""
    text = joined(header.description, f"From the header `{header.name}`; undefined if it is missing{large}.")
    named = Code(f"{attribute}_" if attribute in _RESULT_NAMES else attribute)
    return HeaderProperty(named, header.name, Code("string" if header.type == "string" else "number"), text, Code(""))
