"""Saving one rule of a thousand in a draft, against reading the whole set from its text once."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from tidegate.bootstrap import open_context
from tidegate.engine.reader import read_ruleset
from tidegate.services.context import Context
from tidegate.services.workshop import drafts
from tidegate.settings import Settings

RULES, ROUNDS, AIM_MS = 1_000, 10, 100.0


def rule(number: int, limit: int) -> dict[str, Any]:
    return {
        "id": f"r{number}",
        "title": {"zh": f"规则 {number}", "en": f"Rule {number}"},
        "why": "测速",
        "if": [f"order.total > {limit} CNY", "recipient.address_is_new"],
        "then": [{"hold": {"reason": "high_value", "queue": "manual_review"}}],
    }


def best_ms(act: Callable[[int], object]) -> float:
    """The quickest of some rounds, by the clock on the wall."""
    found = []
    for turn in range(ROUNDS):
        began = time.perf_counter()
        act(turn)
        found.append((time.perf_counter() - began) * 1_000)
    return min(found)


def measure(context: Context) -> tuple[float, float]:
    """Milliseconds of a full read and of a save."""
    whole = {
        "tidegate": "ruleset/1", "id": "big", "gate": "review", "title": {"zh": "大", "en": "Big"},
        "policy": "collect", "rules": [rule(n, 100 + n) for n in range(RULES)],
    }  # fmt: skip
    draft = drafts.import_text(context, json.dumps(whole), "bench")
    text, vocabulary = draft.text + "\n", context.rules.vocabulary
    read = best_ms(lambda _: read_ruleset(text, vocabulary))

    def save(turn: int) -> None:
        now = drafts.draft_of(context, "big")
        assert now is not None
        drafts.save_rule(context, "big", now.version, "r500", rule(500, 5_000 + turn), "bench")

    return read, best_ms(save)


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(
            Settings.from_environment(None), data_dir=Path(folder), patterns="own",
            database_url=f"sqlite:///{folder}/bench.sqlite",
        )  # fmt: skip
        read, save = measure(open_context(settings, carriers={}))
    print(f"full read of {RULES} rules {read:.0f} ms, save of one rule {save:.0f} ms")
    print(f"ratio save / full read {save / read:.2f}; aim for the save {AIM_MS:.0f} ms")
    return 0 if save < AIM_MS else 1


if __name__ == "__main__":
    sys.exit(main())
