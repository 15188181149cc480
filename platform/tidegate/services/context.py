"""What every use case may ask for; `bootstrap` builds it once per process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tidegate.sdk.carrier import Carrier
from tidegate.sdk.shop import ShipsOrders
from tidegate.services.judging import Judges
from tidegate.services.rulebook import Rulebook
from tidegate.store.unit_of_work import Store


@dataclass(frozen=True, slots=True)
class Context:
    """One tenant's view of the platform. `clock` is the only clock services may read."""

    store: Store
    tenant_id: int
    rules: Rulebook
    carriers: Mapping[str, Carrier]  # by connector name, for CarrierService.connector
    clock: Callable[[], datetime]
    data_dir: Path
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"
    judges: Judges = field(default_factory=Judges)
    shops: Mapping[int, ShipsOrders] = field(default_factory=dict)  # by shop id; those with an API
