"""Schemathesis tries the API against its own description: what it takes, answers and refuses.

Every check is on; valid and invalid calls by chance, in the long suite boundaries of every schema too. The seed is fixed and printed;
`API_EXAMPLES` and `API_SEED` go further than a normal run.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tidegate.services.accounts import founding, tokens
from tidegate.services.accounts.principals import local_principal
from tidegate.services.workshop import drafts
from tidegate.store.tables import Order
from tidegate_web.api.description import description

EXAMPLES = int(os.environ.get("API_EXAMPLES", "3"))
SEED = int(os.environ.get("API_SEED", "20261111"))
# What a schema can't say: whether a rule reads, whether a draft is of that version, what exists.
MEANING = ["2xx", "404", "409", "412", "422"]
HERE = {  # things that exist, so that more than a 404 comes back
    "set_id": "review", "rule_id": "no-lines", "template_id": "hold-large", "name": "high_value",
    "simulation_id": 1, "number": 1,
}  # fmt: skip


@pytest.fixture
def api(desk: Any, serve: Callable[[Any], str], request: Any) -> Iterator[Any]:
    """The API of a shop with an owner, asked by a manager's token; drafts are written as they stand now."""
    phases = {"stateful": {"enabled": False}, "coverage": {"enabled": request.param}}
    founding.create_owner(desk.context, "owner@example.com", "Lin", "潮水退去 才知道 2026", "test")
    secret = tokens.create(desk.context, local_principal(1), "fuzz", "manager", 90, None)
    order = desk.all(Order, Order.state == "on_hold")[0].id
    known = {f"path.{name}": value for name, value in {**HERE, "order_id": order}.items()}
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "request-timeout": 60,  # seconds; the machine may be busy
            "continue-on-failure": True,
            "headers": {"Authorization": f"Bearer {secret}"},
            "parameters": known,
            "checks": {
                "positive_data_acceptance": {"expected-statuses": MEANING},
                "missing_required_header": {"expected-statuses": ["428"]},
            },
            "generation": {"max-examples": EXAMPLES, "database": "none", "no-shrink": True},
            "phases": phases,
        }
    )
    schema = schemathesis.openapi.from_url(f"{serve(desk)}/api/openapi.json", config=config)

    @schemathesis.hook
    def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
        given = str((case.headers or {}).get("If-Match", ""))
        if re.fullmatch(r'"[0-9]{1,9}"', given):
            found = drafts.draft_of(desk.context, "review")
            case.headers["If-Match"] = f'"{found.version if found else 0}"'

    yield schema
    schemathesis.hooks.unregister(before_call)


@pytest.mark.parametrize(
    "api",
    [
        pytest.param(False, id="by chance"),
        pytest.param(True, id="boundaries too", marks=pytest.mark.long),
    ],
    indirect=True,
)
def test_every_operation_keeps_its_word(api: Any) -> None:
    print("seed", SEED)
    wrong: dict[str, str] = {}
    tried: Counter[str] = Counter()
    for event in from_schema(api).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            wrong[f"error {event.id}"] = repr(getattr(event, "value", event))
        if not isinstance(event, events.ScenarioFinished):
            continue
        for key, checks in event.recorder.checks.items():
            tried[event.label or ""] += len(checks)
            for check in checks:
                if check.failure_info is not None:
                    told = f"{event.label}: {check.name}: {check.failure_info.failure.title}"
                    wrong.setdefault(told, _curl(event.recorder, key, check))
    print("\n\n".join(f"WRONG {told}\n{how}" for told, how in wrong.items()))
    assert list(wrong) == []
    operations = {
        f"{method.upper()} {path}"
        for path, methods in description()["paths"].items()
        for method in methods
    }
    assert {one for one in operations if tried[one] >= 5} == operations


def _curl(recorder: Any, key: str, check: Any) -> str:
    failure = check.failure_info.failure
    answer = recorder.interactions[key].response if key in recorder.interactions else None
    body = answer.content[:300] if answer is not None else b""
    return f"{failure.message[:300]}\n{check.failure_info.code_sample[:600]}\n{body!r}"
