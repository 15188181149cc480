"""`tidegate doctor --invariants`: what must hold whatever failed, merchant by merchant."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.bootstrap import open_context
from tidegate.cli.findings import Finding
from tidegate.cli.language import language, text
from tidegate.services.contexts import Contexts
from tidegate.services.invariants.checks import Result, check
from tidegate.settings import Settings


def broken_invariants(settings: Settings) -> Iterator[Finding]:
    """One finding per invariant and tenant; an error names the rows that break it."""
    context = open_context(settings, carriers={}, migrate=False)
    try:
        for one in Contexts(context).every():
            for result in check(one):
                place = f"tenant {one.tenant_id}" if one.tenant_id != context.tenant_id else ""
                yield _finding(result, place)
    finally:
        context.store.close()


def _finding(result: Result, place: str) -> Finding:
    promise = result.texts[language()]
    name = f"invariant {result.id} {place}".strip()
    if not result.count:
        return Finding(name, "ok", promise)
    named = ", ".join(result.offenders)
    said = text(
        f"{promise}；不成立 {result.count} 处: {named}",
        f"{promise}; broken {result.count} times: {named}",
    )
    return Finding(name, "error", said)
