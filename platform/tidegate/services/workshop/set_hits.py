"""Hits of the lines of a rule list: of a rule, or of all rows of a table together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidegate.services.context import Context
from tidegate.services.workshop import feedback
from tidegate.services.workshop.feedback import Hits
from tidegate.services.workshop.set_view import StageView


def line_hits(context: Context, set_id: str, stages: Sequence[StageView]) -> Mapping[str, Hits]:
    """By id of the line; a line of which nothing was ever asked has none."""
    found = feedback.hits(context, set_id)
    lines = [line for stage in stages for line in stage.rules]
    known = {line.id: [found[name] for name in line.ids if name in found] for line in lines}
    return {name: _together(own) for name, own in known.items() if own}


def _together(own: Sequence[Hits]) -> Hits:
    if len(own) == 1:
        return own[0]
    return Hits(
        sum(one.total for one in own),
        tuple(sum(day) for day in zip(*(one.per_day for one in own), strict=True)),
        max((one.last_at for one in own if one.last_at), default=None),
        sum(one.acted for one in own),
    )
