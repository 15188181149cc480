"""An answer to "what would change it", as data and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tidegate.engine.changes.formulas import TRUE, Atom, mask
from tidegate.engine.changes.slots import Slot, Values
from tidegate.engine.changes.wants import Want
from tidegate.engine.language.rendering import render
from tidegate.engine.language.sentences import sentence
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.values import plain


@dataclass(frozen=True)
class Condition:
    """What a change brings about: a condition that becomes true, or no longer is."""

    atom: Atom
    holds: bool


@dataclass(frozen=True)
class Change:
    """`before` and `after` are typed; None is a missing value. `so_that` are the conditions the
    new value is there for: any other value that meets them does as well, as far as the set
    treats it alike.
    """

    slot: Slot
    before: object
    after: object
    so_that: tuple[Condition, ...] = ()

    @property
    def fact(self) -> str:
        return self.slot.name


@dataclass(frozen=True)
class ChangeSet:
    """Facts that together give the outcome, and none of which could be left as it is."""

    changes: tuple[Change, ...]

    @property
    def facts(self) -> frozenset[str]:
        return frozenset(change.fact for change in self.changes)

    @property
    def values(self) -> Values:
        return {change.slot: change.after for change in self.changes}


@dataclass(frozen=True)
class Answer:
    """All minimal sets of changes, fewest facts first and nearest first.

    `holds` says that the outcome is the wanted one already. `total` counts the sets before a limit
    cut the list. When not `complete`, there may be others, because of the expressions in `doubts`.
    """

    ruleset: RuleSet
    zone: ZoneInfo
    want: Want
    holds: bool
    sets: tuple[ChangeSet, ...]
    total: int
    complete: bool
    doubts: tuple[str, ...] = ()

    def as_document(self, lang: str = "zh") -> dict[str, object]:
        """Plain data for `--json` and the web."""
        return {
            "want": self.want.text(),
            "holds": self.holds,
            "changes": [[self.change(change) for change in one.changes] for one in self.sets],
            "sentences": [self.sentence(one, lang) for one in self.sets],
            "total": self.total,
            "complete": self.complete,
            "doubts": list(self.doubts),
        }

    def change(self, change: Change) -> dict[str, object]:
        return {
            "fact": change.fact,
            "from": self.shown(change.before),
            "to": self.shown(change.after),
        }

    def shown(self, value: object) -> object:
        """A value as JSON, instants on the shop's clock."""
        return plain(value.astimezone(self.zone) if isinstance(value, datetime) else value)

    def sentence(self, one: ChangeSet, lang: str = "zh") -> str:
        """`把收件人.省份从“西藏”改为“浙江省”即可` / `Change recipient.province from … to …`."""
        chinese = lang.lower().startswith("zh")
        said = [self._said(change, chinese) for change in one.changes]
        if chinese:
            return "，并".join(said) + "即可。"
        return _first_upper(" and ".join(said) + ".")

    def _said(self, change: Change, chinese: bool) -> str:
        name = self._name(change.slot, chinese)
        before, after = (
            self._quoted(change.slot.fact.id, v, chinese) for v in (change.before, change.after)
        )
        why = self._why(change, chinese)
        if change.after is None:
            return f"清空{name}（现为{before}）" if chinese else f"empty {name} (now {before})"
        if change.before is None:
            return (
                f"补上{name}，如{after}{why}"
                if chinese
                else f"fill in {name}, such as {after}{why}"
            )
        if chinese:
            return f"把{name}从{before}改为{after}{why}"
        return f"change {name} from {before} to {after}{why}"

    def _why(self, change: Change, chinese: bool) -> str:
        """For a text that only should not be something: that any other does as well."""
        texts = change.slot.kind in ("text", "choice") and change.so_that
        if not texts or any(condition.holds for condition in change.so_that):
            return ""
        if len(change.so_that) > 1:
            return ""
        node = change.so_that[0].atom.node
        said = sentence(node, self.ruleset, "zh" if chinese else "en")
        if chinese:
            return f"（或别的值，只要不再是：{said}）"
        return f" (or to anything else for which this is no longer so: {said})"

    def _name(self, slot: Slot, chinese: bool) -> str:
        if not chinese:
            return slot.name
        groups: Mapping[str, Any] = self.ruleset.vocabulary.groups
        group = groups[slot.fact.group].title["zh"] if slot.fact.group in groups else "自定义"
        line = f"第 {slot.line} 行" if slot.line else ""
        return f"{line}{group}.{slot.fact.title['zh']}"

    def _quoted(self, fact: str, value: object, chinese: bool) -> str:
        if isinstance(value, str):
            return f"“{self.ruleset.vocabulary.word(fact, value, 'zh' if chinese else 'en')}”"
        shown = self.shown(value)
        if isinstance(shown, bool):
            return "true" if shown else "false"
        if isinstance(shown, list):
            return "[" + ", ".join(map(str, shown)) + "]"
        return f"“{shown}”"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def reasons_for(slot: Slot, fixed: Mapping[Atom, int], present: Any) -> tuple[Condition, ...]:
    """The conditions on a place that are not so at present; `present` evaluates an atom on the
    facts as they are.
    """
    return tuple(
        Condition(atom, bool(allowed & TRUE))
        for atom, allowed in sorted(fixed.items(), key=lambda item: render(item[0].node))
        if slot in atom.slots and not mask(present(atom)) & allowed
    )
