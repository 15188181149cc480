"""Which fact each input of a foreign model is: the one that `--map` names, one of the vocabulary
with its name or title, else a custom field made for it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tidegate.engine.vocabulary import FACT_TYPES, Vocabulary
from tidegate.errors import InputError
from tidegate.interchange.kinds import Evidence
from tidegate.interchange.model import Model, Variable
from tidegate.interchange.naming import Dictionary, target_of, unused, word
from tidegate.interchange.options import Options
from tidegate.interchange.ordering import keys_of
from tidegate.interchange.remarks import WARNING, Place, Remark

CUSTOM = "custom"


class Inputs:
    """`fields` are the custom facts the document declares; `remarks` what was guessed."""

    def __init__(
        self, model: Model, vocabulary: Vocabulary, options: Options, evidence: Evidence
    ) -> None:
        self.model = model
        self.vocabulary = vocabulary
        self.options = options
        self.evidence = evidence
        self.dictionary = Dictionary(vocabulary, options.gate_of(vocabulary))
        self.fields: dict[str, dict[str, Any]] = {}
        self.remarks: list[Remark] = []
        self.taken: set[str] = set()
        self.titles: dict[str, str] = {}  # what the file calls each key

    def named(self, keys: Collection[str]) -> dict[str, str]:
        """Our name for each key that is read and that nothing left works out. Raises InputError."""
        self.titles = {key: one.name for one in self.model.decisions for key in keys_of(one)}
        self.titles |= self.model.lost
        self.titles |= {key: variable.name for key, variable in self.model.variables.items()}
        found: dict[str, str] = {}
        for key, variable in self.model.variables.items():
            if key in keys:
                found[key] = self._fact(key, variable)
        for key in sorted(set(keys) - set(found) - {"now"}):
            if key in self.titles:
                found[key] = self._given(key, self.titles[key])
        return found

    def _fact(self, key: str, variable: Variable) -> str:
        target = target_of(variable.name, self.options.targets)
        if target and self._is_fact(target):
            return self._mapped(key, variable, target)
        kind = variable.type or self.evidence.best(key)
        texts = (*variable.values, *self.evidence.texts.get(key, ()))
        known = self.dictionary.like(variable.name, kind, texts)
        return known.id if known else self._custom(key, variable, word(variable.name, "field"))

    def _is_fact(self, target: str) -> bool:
        """Whether a target means an input's fact; the others are actions."""
        name = target.partition(":")[0]
        return name.startswith(f"{CUSTOM}.") or self.vocabulary.fact(name) is not None

    def _mapped(self, key: str, variable: Variable, target: str) -> str:
        name, _, kind = target.partition(":")
        if name.startswith(f"{CUSTOM}."):
            if kind and kind not in FACT_TYPES:
                raise _bad_target(target, ", ".join(sorted(FACT_TYPES)))
            variable = Variable(variable.name, kind or variable.type, variable.values)
            return self._custom(key, variable, name.partition(".")[2])
        fact = self.vocabulary.fact(name)
        if fact is None or fact.id not in self.dictionary.facts:
            raise _bad_target(target, ", ".join(self.dictionary.facts))
        return fact.id

    def _custom(self, key: str, variable: Variable, wanted: str) -> str:
        own = unused(wanted, self.taken)
        kind = variable.type or self.evidence.best(key) or self._holder(key, variable.name)
        if variable.values and kind == "text":
            kind = "choice"
        spec: dict[str, Any] = {"type": kind, "title": variable.name}
        if kind == "choice":
            spec["values"] = list(variable.values)
        self.fields[f"{CUSTOM}.{own}"] = spec
        seen = self.evidence.kinds.get(key)
        if not variable.type and (seen is None or len(seen) > 1):
            self.remarks.append(self._guessed(f"{CUSTOM}.{own}", kind, variable.name))
        return f"{CUSTOM}.{own}"

    def _holder(self, key: str, name: str) -> str:
        """What is only asked with contains(…) is a list when it is called by a plural."""
        plural = name.endswith("s") and not name.endswith(("ss", "us", "is"))
        return "texts" if key in self.evidence.holders and plural else "text"

    def _guessed(self, name: str, kind: str, title: str) -> Remark:
        return Remark(
            WARNING,
            "interchange.type_guessed",
            f"原文件没有写明 {title} 的类型，这里当作 {kind}；不对请用 --map “{title}={name}:类型”",
            f"the file doesn't say of which type {title} is, {kind} is taken; if that is wrong, "
            f'say --map "{title}={name}:TYPE"',
        )

    def _given(self, key: str, title: str) -> str:
        """A decision that could not be carried over, but that others read: it has to be given."""
        name = self._custom(key, Variable(title, self.evidence.best(key)), word(title, "field"))
        self.remarks.append(
            Remark(
                WARNING,
                "interchange.given_instead",
                f"{title} 在原文件里是算出来的，算法没能导入；这里改由事实 {name} 提供",
                f"{title} is worked out in the file, which could not be carried over; here it is "
                f"given as the fact {name}",
                Place(title),
            )
        )
        return name


def _bad_target(target: str, known: str) -> InputError:
    return InputError(
        "interchange.unknown_fact",
        zh=f"--map 里的 {target} 不是本关口可用的事实；可用：{known}，或 custom.名称:类型。",
        en=f"{target} in --map is no fact of this gate; it has {known}, or say custom.name:type.",
        target=target,
    )
