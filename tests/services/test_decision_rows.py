"""A decision's facts and rules stand apart and packed; those of before are read all the same, and the steps back restore
them."""

from __future__ import annotations

import json
import zlib
from typing import Any

from alembic import command
from sqlalchemy import text, update

from tidegate.bootstrap import alembic_config
from tidegate.services.chain import advance_many
from tidegate.services.view_order import order_view
from tidegate.services.workshop.hit_counting import tail
from tidegate.services.workshop.readiness import recent_facts
from tidegate.store.tables import Decision


def decided(world: Any) -> int:
    world.stock("KETTLE", 5)
    order_id: int = world.order(("KETTLE", 1))
    advance_many(world.context, [order_id], "received")
    return order_id


def as_before(world: Any) -> None:
    """Every decision as it was stored before its rules stood apart and its facts were packed."""
    with world.context.store.begin(world.context.tenant_id) as work:
        for row in work.session.query(Decision):
            document = dict(row.document)
            document.pop("fired")
            work.session.execute(
                update(Decision)
                .where(Decision.id == row.id)
                .values(result=document, rules=None, plain_facts=row.facts, packed_facts=None)
            )
        work.commit()


def test_rules_stand_apart_and_those_that_fired_are_named(both: Any) -> None:
    order_id = decided(both)
    with both.context.store.begin(both.context.tenant_id, readonly=True) as work:
        rows = list(work.session.query(Decision).where(Decision.order_id == order_id))
        assert {row.gate for row in rows} >= {"review", "routing"}
        for row in rows:
            fired = [rule["id"] for rule in row.rules if rule["result"] == "fired"]
            assert "rules" not in row.result
            assert row.result["fired"] == fired
            assert {action["rule"] for action in row.result["actions"]} <= {*fired, "otherwise"}
    with both.context.store.unscoped(readonly=True) as session:
        rows = session.execute(text("SELECT rules, packed_facts, facts FROM decision")).all()
    assert rows
    for row in rows:
        assert isinstance(row.rules, bytes | memoryview)
        assert isinstance(row.packed_facts, bytes | memoryview)
        assert row.facts in ("{}", {})


def test_decisions_of_before_are_shown_counted_and_repeated_the_same(both: Any) -> None:
    order_id = decided(both)
    review = both.context.rules.for_gate("review")[0]

    def seen() -> tuple[Any, Any, Any]:
        with both.context.store.begin(both.context.tenant_id, readonly=True) as work:
            counted = tail(work, both.context, "review")
        shown = [
            (
                one.id,
                one.headline,
                rule.id,
                rule.title,
                rule.result,
                leaf.text,
                leaf.sentence,
                leaf.result,
            )
            for one in order_view(both.context, order_id).decisions
            for rule in one.rules
            for leaf in rule.leaves
        ]
        return counted, shown, recent_facts(both.context, review)

    now = seen()
    assert all(now)
    assert all(facts["order"] for facts, _ in now[2])
    as_before(both)
    assert seen() == now


def test_the_step_back_puts_facts_and_rules_where_they_were(both: Any) -> None:
    decided(both)
    with both.context.store.begin(both.context.tenant_id, readonly=True) as work:
        documents = {row.id: row.document for row in work.session.query(Decision)}
        facts = {row.id: row.facts for row in work.session.query(Decision)}
    url = both.context.store.engine.url.render_as_string(hide_password=False)
    both.context.store.engine.dispose()
    command.stamp(alembic_config(url), "head")  # the fixture makes tables without steps
    command.downgrade(alembic_config(url), "0026")
    with both.context.store.unscoped(readonly=True) as session:
        rows = session.execute(text("SELECT id, facts, rules FROM decision")).all()
    assert {row.id: read(row.facts) for row in rows} == facts
    for row in rows:  # without words: the version before knows none
        assert json.loads(zlib.decompress(row.rules)) == documents[row.id]["rules"]
    command.downgrade(alembic_config(url), "0024")
    with both.context.store.unscoped(readonly=True) as session:
        rows = session.execute(text("SELECT id, result FROM decision")).all()
    assert {row.id for row in rows} == set(documents)
    for row in rows:
        wanted = {name: value for name, value in documents[row.id].items() if name != "fired"}
        assert read(row.result) == wanted


def read(stored: Any) -> Any:
    """JSON as the driver gives it."""
    return json.loads(stored) if isinstance(stored, str) else stored
