"""Reads a saved page into a Page: every fact with its place, and the facts that the text leaves undecided."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from html.entities import html5
from pathlib import Path

from segforge.pages.layouts.attributes import read_attributes
from segforge.pages.layouts.blocks import BlockReading, read_blocks
from segforge.pages.layouts.head import access_facts, is_price, read_price
from segforge.pages.layouts.labels import FACTS
from segforge.pages.layouts.nesting import with_dotted
from segforge.pages.layouts.numbers import number_of
from segforge.pages.layouts.parameters import build_parameters
from segforge.pages.layouts.sample import Sample, read_samples
from segforge.pages.layouts.statuses import read_statuses
from segforge.pages.layouts.table import find_table, read_table
from segforge.pages.page import CERTAIN, CONVENTION, LIKELY, Endpoint, Fact, Page, PageParameter, Span, Undecided, Value
from segforge.pages.source.document import Document, PageError
from segforge.pages.source.open import document_of, read_document
from segforge.pages.source.sections import Sections, cut, urls

MAX_PROSE = 4_000
_SECONDS = re.compile(r"~\s*(\d{1,6}(?:\.\d{1,6})?)\s*s")
_REFERENCE = re.compile(r"&(?!#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};)((?:[A-Za-z][A-Za-z0-9]{0,30}(?=;))?)")
"""Finds the names of character references; empty for one that has no semicolon."""
_TITLE_END = re.compile(r"\s*(?:Serverless )?API(?: Documentation)?\s*$")
_FORMAT_LINE = re.compile(r"API Format:.*|This model uses .* format\.")
_SLUG = re.compile(r"/(?:v\d|v\d/models|workflows(?:/v\d)?)/(?!requests/|models/)(?P<slug>[A-Za-z0-9][A-Za-z0-9._-]*)")
_PAGE_URL = re.compile(r"segmind\.com/(?:models|pixelflows)/([A-Za-z0-9][A-Za-z0-9._-]*)")
_QUOTED_SLUG = re.compile(r"(?:segmind|client)\.\w+\(\s*\"([A-Za-z0-9][A-Za-z0-9._-]*)\"")


def read_page(path: Path, name: str | None = None) -> Page:
    """Reads a saved docs page from a file. Raises PageError if the file is missing or not a docs page."""
    return page_of(read_document(path, name))


def page_of_bytes(raw: bytes, name: str) -> Page:
    """Reads a docs page from its bytes. Raises PageError if they are not a docs page."""
    return page_of(document_of(raw, name))


def page_of(document: Document) -> Page:
    """Reads a docs page from a document. Raises PageError if it has no endpoint, parameters or code sample."""
    sections = cut(document)
    samples = _samples(document, sections)
    facts, undecided = _head(document, sections)
    facts |= access_facts(document, *sections.code)
    endpoints = _endpoints(document, sections)
    _slug(document, sections, samples, facts, undecided)
    if sections.parameters is None and not endpoints and not samples:
        raise PageError(
            f"{document.name}: no API endpoint, parameters or code sample; "
            "expected a model's docs page; save the page from its API tab"
        )
    payload = samples[0].payload if samples else {}
    layout, parameters, problems = _parameters(document, sections, samples, payload)
    if layout in ("table", "attributes"):
        parameters = with_dotted(parameters, {key for sample in samples for key in sample.payload})
    if document.kind == "html":
        parameters = tuple(_with_source(document, parameters))
    if layout == "tokens" and sections.complete and document.text[: sections.after].rstrip(" ")[-1:] != "\n":
        why = "the next section begins in its line; a digit may have replaced the end of the line"
        parameters = (*parameters[:-1], *(_unsure(one, why) for one in parameters[-1:]))
    if samples:
        first = samples[0]
        types = {one.name: str(one.get("type") or "") for one in parameters}
        sent = {name: first.value(name, types.get(name, "")) for name in first.payload}
        facts["sample"] = Fact(
            sent, document.span(first.start, first.end), CERTAIN, "the payload of the first code sample"
        )
    if payload and parameters and not {one.name for one in parameters} & set(payload):
        why = "the parameter list shares no key with the sample; it may be a placeholder"
        span = document.span(*(sections.parameters or (0, 0)))
        undecided["parameters"] = Undecided(([one.name for one in parameters], list(payload)), span, why)
        problems.append(why)
    if sections.returns is not None:
        facts["returns"] = Fact(
            sections.returns.text, document.span(sections.returns.start, sections.returns.end), CERTAIN, "labelled"
        )
    elif (
        sections.complete
        and not sections.oldest
        and "Response Format" in document.text[sections.after : sections.after + 20]
    ):
        facts["returns"] = Fact(
            "Text/JSON",
            document.span(sections.after, sections.after + 15),
            CONVENTION,
            "the page prints a JSON response",
        )
    return Page(
        name=document.name,
        layout=f"{document.kind}/{layout}",
        facts=facts,
        endpoints=endpoints,
        parameters=parameters,
        statuses=tuple(read_statuses(document, sections.after if not sections.oldest else 0)),
        v2_section=sections.v2_section,
        undecided=undecided,
        problems=tuple(problems),
        notes=document.notes,
        samples=tuple(one.payload for one in samples),
        source=document.source[document.span(*sections.parameters).start :]
        if document.kind == "html" and sections.parameters
        else "",
        uneven=frozenset(key for one in samples for key in one.uneven),
        listing=document.text[slice(*(sections.parameters or (0, 0)))],
    )


def _with_source(document: Document, parameters: tuple[PageParameter, ...]) -> Iterator[PageParameter]:
    """Yields the parameters with their source after their text: an unclosed tag hides text that still exists there.

    A broken character reference in it, such as `&quot` without its semicolon, puts all facts of the parameter in doubt.
    """
    ends = [*(one.span.start for one in parameters[1:]), len(document.source)]
    for one, end in zip(parameters, ends, strict=False):
        source = document.source[one.span.start : min(end, one.span.start + 5_000)]
        broken = any(f"{name};" not in html5 for name in _REFERENCE.findall(source))
        read = _unsure(one, "its source has a broken character reference") if broken else one
        yield replace(read, text=f"{one.text}\n{unescape(source)}")


def _unsure(one: PageParameter, why: str) -> PageParameter:
    """Returns a parameter with its parts, none of whose facts is certain."""
    facts = one.facts.items()
    items, members = (tuple(_unsure(part, why) for part in parts) for parts in (one.items, one.members))
    return replace(
        one,
        facts={key: replace(fact, confidence=min(fact.confidence, CONVENTION), why=why) for key, fact in facts},
        items=items,
        members=members,
    )


def _samples(document: Document, sections: Sections) -> list[Sample]:
    return read_samples(document.text, *sections.code)


def _parameters(
    document: Document, sections: Sections, samples: list[Sample], payload: dict[str, Value]
) -> tuple[str, tuple[PageParameter, ...], list[str]]:
    """Returns the layout's name, the parameters, and the problems."""
    if sections.parameters is None:
        return "none", (), ["no list of parameters was found"]
    start, end = sections.parameters
    problems: list[str] = []
    table = None if sections.oldest else find_table(document, start, end)
    if sections.oldest:
        layout, parameters = "attributes", read_attributes(document, start, end, samples)
    elif table is not None:
        layout, parameters = "table", read_table(document, table, samples)
        lost = len(table.rows) - len(parameters)
        problems += [f"{lost} rows of the table could not be read: no name, or an unknown type"] if lost else []
    else:
        reading = read_blocks(document, start, end, payload)
        layout, parameters = reading.form, build_parameters(document, reading, samples, end)
        problems += _unread(document, reading)
    if not sections.complete:
        problems.append("the page ends inside the list of parameters")
        parameters = (*parameters[:-1], _doubted(parameters[-1])) if parameters else ()
    if not parameters and document.text[start:end].strip():
        problems.append("the list of parameters could not be read")
    twice = [name for name, count in Counter(one.name for one in parameters).items() if count > 1]
    problems += [f"parameter {name} is listed twice" for name in twice]
    return layout, parameters, problems


def _unread(document: Document, reading: BlockReading) -> list[str]:
    return [
        f"line {document.span(line.start, line.end).line} could not be read: {line.text[:80]}"
        for line in reading.unread[:20]
    ]


def _doubted(parameter: PageParameter) -> PageParameter:
    """Returns the last parameter of a page that was cut off, with every fact undecided, since text may be missing."""
    why = "the page ends here; more may follow"
    doubted = {key: Undecided((), parameter.span, why) for key in ("format", *FACTS)}
    doubted |= {
        key: Undecided((fact.value,), fact.span, why) for key, fact in parameter.facts.items() if key != "sample"
    }
    kept = {key: fact for key, fact in parameter.facts.items() if key == "sample"}
    items, members = (
        (*parts[:-1], _doubted(parts[-1])) if parts else () for parts in (parameter.items, parameter.members)
    )
    undecided = {**doubted, **parameter.undecided}
    return replace(parameter, facts=kept, undecided=undecided, items=items, members=members)


def _head(document: Document, sections: Sections) -> tuple[dict[str, Fact], dict[str, Undecided]]:
    """Reads the title, description, typical time and price from the lines above the first code sample."""
    facts: dict[str, Fact] = {}
    undecided: dict[str, Undecided] = {}
    prose = []
    for line in sections.head:
        span = document.span(line.start, line.end)
        if match := _SECONDS.fullmatch(line.text):
            facts["typical_seconds"] = Fact(number_of(match[1]) or 0, span, CERTAIN, "printed above the sample")
        elif is_price(line):
            price = read_price(document, line)
            if isinstance(price, Fact):
                facts["price"] = price
            else:
                undecided["price"] = price
        elif len(line.text) <= MAX_PROSE and not _FORMAT_LINE.fullmatch(line.text):
            prose.append((line, span))
    titled = next((index for index, (line, _) in enumerate(prose) if _TITLE_END.search(line.text)), 0)
    for key, index in (("title", titled), ("description", titled + 1)):
        if index < len(prose):
            line, span = prose[index]
            text = _TITLE_END.sub("", line.text) if key == "title" else line.text
            if text:
                facts[key] = _told(key, text, span, line.text)
    return facts, undecided


def _told(key: str, text: str, span: Span, line: str) -> Fact:
    """Returns the title or the description as a fact. A title is certain if its line ends in API."""
    if key == "description":
        return Fact(text, span, LIKELY, "the line after the title")
    if text != line:
        return Fact(text, span, CERTAIN, "the line that ends in API")
    return Fact(text, span, LIKELY, "the first line, which doesn't end in API as titles do")


def _endpoints(document: Document, sections: Sections) -> tuple[Endpoint, ...]:
    """Returns the endpoints of the line under `API Endpoint`, the v2 section and the samples, each once."""
    found: dict[tuple[str, str], Endpoint] = {}
    limit = (sections.parameters or (sections.after, 0))[0]
    places = urls(document, 0, limit) + urls(document, sections.after, len(document.text))
    for method, raw, start, end in places:
        path = raw
        for glued in ("Parameters", "Submit", "Poll", "Result"):
            path = path.removesuffix(glued)
        path = path.rstrip(".,;)")
        match = re.match(r"/(v\d)/", path)
        version = match[1] if match else None
        span = document.span(start, start + len(path) if path else end)
        known = found.get((method, path))
        found[method, path] = replace(known, times=known.times + 1) if known else Endpoint(method, path, version, span)
    return tuple(found.values())


def _slug(
    document: Document,
    sections: Sections,
    samples: list[Sample],
    facts: dict[str, Fact],
    undecided: dict[str, Undecided],
) -> None:
    """Adds the slug on which the endpoint, the samples and the page's own URL agree."""
    places: list[tuple[str, int, int]] = []
    if sections.endpoint is not None:
        text, at = sections.endpoint.text, sections.endpoint.start
        glued = (
            text.endswith("Parameters")
            and sections.parameters is not None
            and sections.parameters[0] == sections.endpoint.end
        )
        end = sections.endpoint.end - (len("Parameters") if glued else 0)
        if match := _SLUG.search(document.text, at, end):
            places.append((match["slug"], match.start("slug"), match.end("slug")))
    code_end = sections.code[1]
    first_line = sections.head[0].start if sections.head else 0
    for pattern in (_SLUG, _QUOTED_SLUG):
        places += [(one[1], *one.span(1)) for one in pattern.finditer(document.text, first_line, code_end)]
    places += [(sample.slug, sample.start, sample.end) for sample in samples if sample.slug]
    if document.canonical and (match := _PAGE_URL.search(document.canonical)):
        facts["page_slug"] = Fact(match[1], document.span(0, 0), CERTAIN, "the page's canonical URL")
        if not places:
            places.append((match[1], 0, 0))
    if not places:
        return
    slugs = list(dict.fromkeys(slug for slug, _, _ in places))
    slug, start, end = places[0]
    span = document.span(start, end)
    if len(slugs) == 1:
        facts["slug"] = Fact(
            slug, span, CERTAIN, "the endpoint and the samples agree" if len(places) > 1 else "the endpoint"
        )
    elif sections.endpoint is not None:
        facts["slug"] = Fact(slug, span, LIKELY, "the endpoint; the samples name other slugs too")
    else:
        undecided["slug"] = Undecided(tuple(slugs), span, "the samples name several slugs")
