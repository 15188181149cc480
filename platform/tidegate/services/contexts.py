"""One Context per tenant, made when first needed, and narrower ones for people of some shops."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock

from sqlalchemy import select

from tidegate.errors import NotFound
from tidegate.services.accounts.principals import Principal
from tidegate.services.context import Context
from tidegate.services.remotes.connected import Connected
from tidegate.services.remotes.shops import ConnectedShops
from tidegate.services.rulebook import Rulebook
from tidegate.services.workshop.publications import publications
from tidegate.store.tables import Tenant


class Contexts:
    """The contexts of an installation around the one of its first tenant; for all threads of a process.

    Tenants share the database, the clock and the compiled sets; each has accounts at carriers, rules, a data
    folder, a time zone and a currency of its own.
    """

    def __init__(self, first: Context) -> None:
        self.first = first
        self._lock = Lock()
        self._made = {first.tenant_id: first}

    def of(self, tenant_id: int) -> Context:
        """The context of a tenant.

        Raises:
            NotFound: there is no such tenant.
        """
        with self._lock:
            if tenant_id not in self._made:
                self._made[tenant_id] = self._make(tenant_id)
            return self._made[tenant_id]

    def for_principal(self, principal: Principal) -> Context:
        """The context of a person's tenant, which shows their shops only."""
        found = self.of(principal.tenant_id)
        if principal.shops is None:
            return found
        return replace(found, store=found.store.limited_to(principal.shops))

    def every(self) -> tuple[Context, ...]:
        """All tenants, as they are in the database now."""
        with self.first.store.unscoped(readonly=True) as session:
            ids = session.scalars(select(Tenant.id).order_by(Tenant.id)).all()
        return tuple(self.of(tenant_id) for tenant_id in ids)

    def by_code(self, code: str) -> Context:
        """The context of the tenant with this code.

        Raises:
            NotFound: there is none.
        """
        with self.first.store.unscoped(readonly=True) as session:
            found = session.scalar(select(Tenant.id).where(Tenant.code == code))
        if found is None:
            raise _unknown(code)
        return self.of(found)

    def _make(self, tenant_id: int) -> Context:
        first = self.first
        with first.store.unscoped(readonly=True) as session:
            tenant = session.get(Tenant, tenant_id)
        if tenant is None:
            raise _unknown(str(tenant_id))
        look = publications(first.store, tenant_id, first.clock)
        made = replace(
            first,
            tenant_id=tenant_id,
            rules=Rulebook(first.rules.directory, published=look),
            data_dir=first.data_dir / "tenants" / tenant.code,  # numbers of batches may repeat
            timezone=tenant.timezone,
            currency=tenant.currency,
        )
        if isinstance(first.carriers, Connected):
            made = replace(made, carriers=first.carriers.of(made))
        if isinstance(first.shops, ConnectedShops):
            made = replace(made, shops=ConnectedShops(made))
        return made


def _unknown(name: str) -> NotFound:
    return NotFound(
        "tenants.unknown",
        zh=f"没有商家 {name}；用 tidegate tenants list 查看。",
        en=f"There is no merchant {name}; see tidegate tenants list.",
        tenant=name,
    )
