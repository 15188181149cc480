"""A decision's rules stand apart and packed; those of before are read all the same, and the step back restores them."""

from __future__ import annotations

import json
from typing import Any

from alembic import command
from sqlalchemy import text, update

from tidegate.bootstrap import alembic_config
from tidegate.services.chain import advance_many
from tidegate.services.view_order import order_view
from tidegate.services.workshop.hit_counting import tail
from tidegate.store.tables import Decision


def decided(world: Any) -> int:
    world.stock("KETTLE", 5)
    order_id: int = world.order(("KETTLE", 1))
    advance_many(world.context, [order_id], "received")
    return order_id


def as_before(world: Any) -> None:
    """Every decision as it was stored before the rules stood apart."""
    with world.context.store.begin(world.context.tenant_id) as work:
        for row in work.session.query(Decision):
            document = dict(row.document)
            document.pop("fired")
            work.session.execute(
                update(Decision).where(Decision.id == row.id).values(result=document, rules=None)
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
        packed = session.execute(text("SELECT rules, result FROM decision")).all()
    assert all(isinstance(rules, bytes | memoryview) for rules, _ in packed)


def test_decisions_of_before_are_shown_and_counted_the_same(both: Any) -> None:
    order_id = decided(both)

    def seen() -> tuple[Any, Any]:
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
        return counted, shown

    now = seen()
    assert now[0]
    as_before(both)
    assert seen() == now


def test_the_step_back_puts_the_rules_where_they_were(both: Any) -> None:
    decided(both)
    with both.context.store.begin(both.context.tenant_id, readonly=True) as work:
        documents = {row.id: row.document for row in work.session.query(Decision)}
    url = both.context.store.engine.url.render_as_string(hide_password=False)
    both.context.store.engine.dispose()
    command.stamp(alembic_config(url), "head")  # the fixture makes tables without steps
    command.downgrade(alembic_config(url), "0024")
    with both.context.store.unscoped(readonly=True) as session:
        rows = session.execute(text("SELECT id, result FROM decision")).all()
    assert {row.id for row in rows} == set(documents)
    for row in rows:
        found = json.loads(row.result) if isinstance(row.result, str) else row.result
        wanted = {name: value for name, value in documents[row.id].items() if name != "fired"}
        assert found == wanted
