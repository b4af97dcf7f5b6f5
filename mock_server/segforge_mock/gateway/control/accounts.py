"""What a tenant keeps beside jobs: its webhooks with their deliveries, and its trainings."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from segforge_mock.gateway.control.bodies import BadInput, time_text
from segforge_mock.memory import Kept, Memory, Shelf
from segforge_mock.tenants.tenants import Tenants

MAX_WEBHOOKS: Final = 20
MAX_TRAININGS: Final = 100
MAX_ATTEMPTS_KEPT: Final = 50
ATTEMPT_BYTES: Final = 800
WEBHOOK_BYTES: Final = 3_000 + MAX_ATTEMPTS_KEPT * ATTEMPT_BYTES
"""Memory that a webhook takes beside its texts, with a full log."""
TRAINING_BYTES: Final = 2_000
ACCOUNT_BYTES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to deliver an event. `status` is None if no answer arrived; `error` says why, or is None."""

    event: str
    request_id: str
    number: int
    status: int | None
    error: str | None
    at: float

    def as_json(self) -> dict[str, Any]:
        """Returns the attempt as the logs show it."""
        return {
            "event": self.event,
            "request_id": self.request_id,
            "attempt": self.number,
            "status_code": self.status,
            "error": self.error,
            "time": time_text(self.at),
        }


@dataclass(slots=True)
class Webhook:
    """An address that receives events of these types."""

    webhook_id: str
    url: str
    types: tuple[str, ...]
    log: deque[Attempt] = field(default_factory=lambda: deque(maxlen=MAX_ATTEMPTS_KEPT))

    def as_json(self) -> dict[str, Any]:
        """Returns the webhook as answers show it."""
        return {"webhook_id": self.webhook_id, "webhook_url": self.url, "event": {"types": list(self.types)}}

    @property
    def size(self) -> int:
        """Memory taken, in bytes (an estimate)."""
        return WEBHOOK_BYTES + 4 * (len(self.url) + sum(map(len, self.types))) + 100 * len(self.types)


@dataclass(slots=True)
class Training:
    """A training of a fine-tuned model, which is available from `ready_at`, in seconds on the tenant's clock."""

    request_id: str
    name: str
    data_source_path: str
    instance_prompt: str
    base_model: str
    public: bool
    submitted_at: float
    ready_at: float
    updated_at: float

    @property
    def size(self) -> int:
        """Memory taken, in bytes (an estimate)."""
        texts = (self.name, self.data_source_path, self.instance_prompt, self.base_model)
        return TRAINING_BYTES + 4 * sum(map(len, texts))


class AccountRecord:
    """The webhooks and trainings of one tenant, the oldest first."""

    __slots__ = ("trainings", "webhooks")

    def __init__(self) -> None:
        self.webhooks: dict[str, Webhook] = {}
        self.trainings: dict[str, Training] = {}


_EMPTY: Final = AccountRecord()


class Accounts:
    """The accounts of all tenants that have one. If the memory is full, the oldest are dropped first."""

    def __init__(self, memory: Memory, tenants: Tenants) -> None:
        self._accounts: Shelf[str, AccountRecord] = Shelf(memory, "accounts")
        tenants.on_forget(self._accounts.pop)

    def of(self, tenant: str) -> AccountRecord:
        """Returns the account of a tenant, which is empty and not kept if the tenant has none."""
        return self._accounts.get(tenant) or _EMPTY

    def add_webhook(self, tenant: str, webhook: Webhook) -> None:
        """Adds a webhook. Raises BadInput if the tenant has MAX_WEBHOOKS."""
        kept = self._kept(tenant)
        if len(kept.thing.webhooks) >= MAX_WEBHOOKS:
            raise BadInput(f"the mock keeps at most {MAX_WEBHOOKS} webhooks of a key; delete one first")
        kept.thing.webhooks[webhook.webhook_id] = webhook
        self._accounts.grow(kept, webhook.size)

    def change_webhook(self, tenant: str, webhook: Webhook, url: str, types: tuple[str, ...]) -> None:
        """Changes the address and the types of a webhook."""
        before = webhook.size
        webhook.url, webhook.types = url, types
        self._accounts.grow(self._kept(tenant), webhook.size - before)

    def drop_webhook(self, tenant: str, webhook: Webhook) -> None:
        """Drops a webhook."""
        kept = self._kept(tenant)
        del kept.thing.webhooks[webhook.webhook_id]
        self._accounts.grow(kept, -webhook.size)

    def add_training(self, tenant: str, training: Training) -> None:
        """Adds a training. Drops the oldest one if the tenant has MAX_TRAININGS."""
        kept = self._kept(tenant)
        trainings = kept.thing.trainings
        size = training.size
        if len(trainings) >= MAX_TRAININGS:
            size -= trainings.pop(next(iter(trainings))).size
        trainings[training.request_id] = training
        self._accounts.grow(kept, size)

    def _kept(self, tenant: str) -> Kept[str, AccountRecord]:
        return self._accounts.use(tenant) or self._accounts.put(tenant, AccountRecord(), ACCOUNT_BYTES)
