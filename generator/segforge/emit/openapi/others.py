"""The OpenAPI document of the vendor's routes beside those of models, on their own hosts."""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from segforge.spec.catalog import Gateway, OtherRoute
from segforge.spec.identifiers import camel_case

_PARAMETER: Final = re.compile(r"\{([A-Za-z0-9_-]+)\}")


def others_document(gateway: Gateway, opening: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the document of the other routes, or None if there are none. `opening` are its keys before `paths`.

    They are apart from the models' document, because many tools ignore the servers of single paths. Sources describe
    bodies in words only, so no schema claims more. A route that a path can't hold twice is under `x-more-routes`.
    """
    paths: dict[str, dict[str, Any]] = {}
    more = []
    for route in gateway.other_routes:
        address = urlsplit(route.url)
        origin, path, method = f"{address.scheme}://{address.netloc}", address.path or "/", route.method.lower()
        if _is_own(gateway, route):
            continue
        item = paths.setdefault(path, {"servers": [{"url": origin}]})
        if method in item or item["servers"] != [{"url": origin}]:
            more.append({"method": route.method, "url": route.url, "description": route.meaning})
        else:
            item[method] = _operation(route, path)
    if not paths:
        return None
    components = {"securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": gateway.auth.header}}}
    return {
        **opening,
        "servers": [{"url": gateway.base_url}],
        "paths": paths,
        "components": components,
        **({"x-more-routes": more} if more else {}),
    }


def _is_own(gateway: Gateway, route: OtherRoute) -> bool:
    """Whether the documents of models have a route already."""
    own = (gateway.routes.status, gateway.routes.result, gateway.routes.poll, gateway.routes.credits)
    return any((one.method, gateway.base_url + one.path) == (route.method, route.url) for one in own)


def _operation(route: OtherRoute, path: str) -> dict[str, Any]:
    text = [route.meaning]
    text += [f"Request: {route.request}"] if route.request is not None else []
    if "bearer" in route.auth:
        text.append("Some sources send the key as a bearer token.")
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in dict.fromkeys(_PARAMETER.findall(path))
    ]
    return {
        "operationId": camel_case(route.name),
        "summary": route.name.replace("_", " ").capitalize(),
        "description": "\n\n".join(text),
        "security": [{"apiKey": []}] if "api_key" in route.auth else [],
        **({"parameters": parameters} if parameters else {}),
        "responses": {code: {"description": words} for code, words in route.answers.items()},
        "x-printed-auth": list(route.auth),
        **({"x-mock-assumes": route.assumed} if route.assumed is not None else {}),
        "x-source": route.source,
    }
