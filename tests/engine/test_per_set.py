"""What is kept per set: found once for all that mean the same, and never more than a bound."""

from __future__ import annotations

from typing import Any

from tidegate.engine import per_set

SET = "tidegate: ruleset/1\nid: t{n}\ngate: alert\npolicy: collect\nrules:\n  - {{id: a, if: ['order.quantity > 1'], then: [raise: {{kind: x}}]}}\n"


def test_what_means_the_same_is_worked_out_once(read: Any) -> None:
    asked = []
    found = per_set.once_per_set(lambda ruleset: asked.append(ruleset.id) or ruleset.id)
    first, same, other = read(SET.format(n=1)), read("# said\n" + SET.format(n=1)), SET.format(n=2)
    assert [found(first), found(same), found(read(other))] == ["t1", "t1", "t2"]
    assert asked == ["t1", "t2"]


def test_beyond_the_bound_all_are_worked_out_anew(read: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(per_set, "_KEPT", 2)
    asked = []
    found = per_set.once_per_set(lambda ruleset: asked.append(ruleset.id))
    sets = [read(SET.format(n=n)) for n in range(3)]
    for ruleset in [*sets, sets[0]]:
        found(ruleset)
    assert asked == ["t0", "t1", "t2", "t0"]
