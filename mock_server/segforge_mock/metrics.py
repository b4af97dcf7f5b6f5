"""The mock's metrics in Prometheus' text format."""

from collections.abc import Iterator, Mapping

from segforge_mock.memory import Memory


def metrics(requests: Mapping[tuple[str, int], int], memory: Memory) -> str:
    """Returns the body of /metrics: requests by route and status, and the memory in use."""
    return "\n".join([*_requests(requests), *_memory(memory), ""])


def _requests(requests: Mapping[tuple[str, int], int]) -> Iterator[str]:
    yield "# HELP segforge_mock_requests_total Requests to the gateway by route and status (0: connection dropped)."
    yield "# TYPE segforge_mock_requests_total counter"
    for (route, status), count in sorted(requests.items()):
        yield f'segforge_mock_requests_total{{route="{route or "unknown"}",status="{status}"}} {count}'


def _memory(memory: Memory) -> Iterator[str]:
    name = "segforge_mock_memory"
    yield f"# HELP {name}_limit_bytes The limit of everything that is kept."
    yield f"# TYPE {name}_limit_bytes gauge"
    yield f"{name}_limit_bytes {memory.limit}"
    yield f"# HELP {name}_used_bytes Estimated bytes that are kept, by kind, and bytes of running requests."
    yield f"# TYPE {name}_used_bytes gauge"
    yield f'{name}_used_bytes{{kind="requests"}} {memory.in_use}'
    for shelf in memory.shelves:
        yield f'{name}_used_bytes{{kind="{shelf.kind}"}} {shelf.size}'
    yield f"# HELP {name}_evicted_total Things that were dropped for lack of room, by kind."
    yield f"# TYPE {name}_evicted_total counter"
    for shelf in memory.shelves:
        yield f'{name}_evicted_total{{kind="{shelf.kind}"}} {shelf.forgotten}'
