"""The checks, found by looking into tidegate.contract.checks."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

from tidegate.contract import checks
from tidegate.contract.bench import Bench
from tidegate.sdk.manifest import Manifest

Run = Callable[[Bench], None]


@dataclass(frozen=True, slots=True)
class Check:
    """`needs` are capabilities of the connector (all of them); without them the check does not concern it. `faces`
    are protocols of tidegate.sdk.stage that its server must have; without them it is not checked. `serves`: a server
    is needed. `declares` names what its manifest must say for the check to concern it.
    """

    id: str
    title: Mapping[str, str]
    run: Run
    needs: frozenset[str] = frozenset()
    faces: tuple[type, ...] = ()
    serves: bool = True
    order: int = 50
    declares: str = ""

    def concerns(self, manifest: Manifest) -> bool:
        said = not self.declares or bool(getattr(manifest, self.declares))
        return said and self.needs <= manifest.capabilities


_known: dict[str, Check] = {}


def check(
    name: str,
    zh: str,
    en: str,
    *,
    needs: str = "",
    faces: Sequence[type] = (),
    serves: bool = True,
    order: int = 50,
    declares: str = "",
) -> Callable[[Run], Run]:
    """Beside a function that raises Wrong or NotChecked."""

    def keep(run: Run) -> Run:
        _known[name] = Check(
            name,
            {"zh": zh, "en": en},
            run,
            frozenset(needs.split()),
            tuple(faces),
            serves,
            order,
            declares,
        )
        return run

    return keep


def all_checks() -> list[Check]:
    for module in pkgutil.iter_modules(checks.__path__):
        import_module(f"{checks.__name__}.{module.name}")
    return sorted(_known.values(), key=lambda one: (one.order, one.id))
