"""What every use case may ask for; `bootstrap` builds it once per process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tidegate.sdk.carrier import Carrier
from tidegate.sdk.shop import ShipsOrders
from tidegate.sdk.webhooks import WebhookReceiver
from tidegate.services.judging import Judges
from tidegate.services.remotes.reach import Reach
from tidegate.services.rulebook import Rulebook
from tidegate.services.secrets_box import SecretsBox
from tidegate.services.webhooks.guarded import GuardedCaller
from tidegate.store.unit_of_work import Store


@dataclass(frozen=True, slots=True)
class Context:
    """One tenant's view of the platform. `clock` is the only clock services may read."""

    store: Store
    tenant_id: int
    rules: Rulebook
    carriers: Mapping[str, Carrier]  # by account code, for CarrierService.connector
    clock: Callable[[], datetime]
    data_dir: Path
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"
    judges: Judges = field(default_factory=Judges)
    shops: Mapping[int, ShipsOrders] = field(default_factory=dict)  # by shop id; those with an API
    receivers: Mapping[str, WebhookReceiver] = field(default_factory=dict)  # by connector name
    caller: GuardedCaller = field(default_factory=GuardedCaller)  # to addresses people typed
    box: SecretsBox = field(default_factory=SecretsBox.fresh)
    reach: Reach = field(default_factory=Reach)
