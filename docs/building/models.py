"""Reference pages of the models: one page each, and the list of all."""

import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from docs.building.tables import code, fenced, table, words
from segforge.emit.clients.about import price_sentence, quirk_sentence
from segforge.emit.clients.condition_text import condition_sentences
from segforge.emit.clients.parameter_text import part_lines, part_text
from segforge.emit.openapi.samples import run_samples, submit_samples
from segforge.spec.catalog import Catalog, Gateway, Listing, Model, Parameter
from segforge.spec.price import listed_estimate, model_estimate
from segforge.spec.printable import joined, show

PARTIAL = (
    "Only a part of this model's docs page is known. It may have more parameters and values than are listed here. "
    "Facts marked as inferred were concluded from a sample."
)


def model_pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yields the place and the text of the page of each model that has a spec."""
    for model in catalog.models:
        yield f"reference/models/{model.slug}.md", model_page(catalog.gateway, model)


def model_page(gateway: Gateway, model: Model) -> str:
    """Returns the page of a model: its facts, its parameters, their conditions, and calls."""
    parts = [
        f"# {words(model.title)} {code(model.slug)}\n",
        f"{words(model.description)}\n",
        *([f"*{PARTIAL}*\n"] if model.level == "partial" else []),
        table(("fact", "value"), _facts(gateway, model)),
        f"Source: {_source(model.source.url)}, reviewed on {words(model.source.reviewed)}\n",
        "## Parameters\n",
        table(("parameter", "type", "required", "description"), map(_row, model.parameters))
        if model.parameters
        else "No parameter is known.\n",
    ]
    nested = [line for one in model.parameters for line in part_lines(one)]
    parts += ["## Parts of parameters\n", _list(nested)] if nested else []
    conditions = condition_sentences(model)
    parts += ["## Conditions\n", _list(conditions)] if conditions else []
    parts += ["## Contradictions of the page\n", _list(map(quirk_sentence, model.quirks))] if model.quirks else []
    return "\n".join([*parts, *_calls(gateway, model)])


def _source(url: str) -> str:
    address = quote(url, safe=":/?&=%@+,;~", errors="replace")
    return f"[Segmind's page of the model]({address})" if address.startswith("https://") else words(url)


def _facts(gateway: Gateway, model: Model) -> Iterator[tuple[str, str]]:
    yield "returns", words(_returned(model))
    for version in model.versions:
        route = model.paths.get(version, f"/{version}/{model.slug}")
        yield version, f"{code(f'POST {route}')} {'waits for the output' if version == 'v1' else 'queues a job'}"
    if model.encodings != ("json",):
        yield "body", words(" or ".join(model.encodings))
    if model.price is not None:
        yield "printed price", words(price_sentence(model.price).removeprefix("Price: "))
    if model.average is not None:
        amounts = [f"{model.average.usd:.4g} USD"] if model.average.usd is not None else []
        amounts += [f"{model.average.seconds:.4g} seconds"] if model.average.seconds is not None else []
        yield "average of a run", words(f"{', '.join(amounts)} (Segmind's list of {model.average.read})")
    estimate = model_estimate(gateway, model)
    yield (
        "at most",
        words(f"{estimate.high:.4g} USD a call, by {estimate.source}" if estimate else "no source states it"),
    )
    yield "known", words("complete page" if model.level == "complete" else "part of the page")


def _returned(model: Model) -> str:
    kinds = {"model3d": "3D model", "json": "JSON"}
    media = kinds.get(model.returns.media, model.returns.media)
    shape = f" ({model.returns.shape})" if model.returns.shape else ""
    return f"{media}{shape}{': ' + ', '.join(model.returns.formats) if model.returns.formats else ''}"


def _row(parameter: Parameter) -> tuple[str, ...]:
    kind: str = "one of several" if parameter.any_of else parameter.type
    need = {True: "yes", False: "no", None: "not stated"}[parameter.required]
    values = "" if parameter.choices is None or parameter.type == "number" else _values(parameter)
    text = joined(part_text(parameter))
    kind = f"{kind} or null" if parameter.nullable else kind
    return code(parameter.name), words(kind), need, " ".join(filter(None, (words(text), values)))


def _values(parameter: Parameter) -> str:
    choices = parameter.choices
    if choices is None or not choices.known:
        return ""
    return f"Values: {', '.join(code(show(value)) for value in choices.known)}."


def _list(lines: Iterable[str]) -> str:
    return "".join(f"- {words(line)}\n" for line in lines)


def _calls(gateway: Gateway, model: Model) -> Iterator[str]:
    if model.example:
        yield "## Sample of the page\n"
        yield fenced(json.dumps(model.example, indent=2), "json")
    samples = {"v1": run_samples, "v2": submit_samples}
    titles = {"v1": "## Call and wait (v1)\n", "v2": "## Queue a job (v2)\n"}
    languages = {"Shell": "sh", "Python": "python", "TypeScript": "ts"}
    for version in model.versions:
        made = samples[version](gateway, model, model.paths.get(version, f"/{version}/{model.slug}"))
        if made:
            yield titles[version]
        for sample in made:
            yield f'=== "{sample.get("label", sample["lang"])}"\n'
            block = fenced(sample["source"], languages[sample["lang"]])
            yield "".join(f"    {line}\n" for line in block.splitlines())


def model_list(catalog: Catalog) -> str:
    """Returns the list of all known models: those with a page, and those of which only the vendor's list is known."""
    by_slug = {model.slug: model for model in catalog.models}
    listings = catalog.directory.listings
    rows = [_listed(model, listings.get(model.slug)) for model in by_slug.values()]
    others = [one for one in listings.values() if one.slug not in by_slug]
    return "\n".join(
        [
            "# Models\n",
            f"{len(by_slug)} models have a spec, and so a page here. Segmind's list of {words(catalog.directory.read)} "
            f"has {len(others)} more, of which only modality and averages are known. Costs are averages of it.\n",
            table(("model", "returns", "versions", "known", "USD", "seconds"), rows),
            "## Only in Segmind's list\n",
            "The mock serves these models, too, and accepts any payload for them.\n",
            table(("slug", "modality", "USD", "seconds", "at most USD"), (_other(catalog, one) for one in others)),
        ]
    )


def _listed(model: Model, listing: Listing | None) -> tuple[str, ...]:
    return (
        f"[{words(model.title)}](models/{quote(model.slug)}.md) {code(model.slug)}",
        words(model.returns.media),
        " ".join(model.versions),
        model.level,
        _figure(None if listing is None else listing.usd),
        _figure(None if listing is None else listing.seconds),
    )


def _other(catalog: Catalog, listing: Listing) -> tuple[str, ...]:
    estimate = listed_estimate(catalog.gateway, catalog.directory, listing.slug)
    high = None if estimate is None else estimate.high
    return code(listing.slug), words(listing.modality), _figure(listing.usd), _figure(listing.seconds), _figure(high)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
