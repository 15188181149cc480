"""Names of foreign files as ids of ours; what an input is called in the vocabulary."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from tidegate.engine.values import fold
from tidegate.engine.vocabulary import Fact, Gate, Vocabulary

RESERVED = frozenset(
    (
        "and", "or", "not", "in", "is", "if", "then", "else", "between", "now", "true", "false",
        "null", "some", "every", "no", "satisfies", "for", "return", "missing", "present",
        "decided", "item",
    )
)  # fmt: skip
LONGEST = 60


def slug(text: str, fallback: str) -> str:
    """An id of lower case letters, digits and `-`; the fallback for text without any (Chinese)."""
    plain = unicodedata.normalize("NFKD", _spaced(text)).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST].strip("-")
    return found or fallback


def word(text: str, fallback: str) -> str:
    """A name for expressions: letters of any script, digits and `_`; `applicant_age`, `申请人年龄`."""
    found = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", _spaced(text)).lower()).strip("_")
    found = found[:LONGEST].strip("_") or fallback
    if found[0].isdigit():
        found = f"{fallback}_{found}"
    return f"{found}_value" if found in RESERVED else found


def _spaced(text: str) -> str:
    """`annualIncome` as `annual Income`, so that it becomes annual_income."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)


def unused(wanted: str, taken: set[str], separator: str = "_") -> str:
    """`wanted`, or `wanted_2` … when it is taken; the answer counts as taken from now on."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}{separator}{number}", number + 1
    taken.add(name)
    return name


def compact(text: str) -> str:
    """Letters and digits only, folded: `Order Total`, `order_total` and `ORDER.TOTAL` are one."""
    return "".join(letter for letter in fold(text) if letter.isalnum())


class Dictionary:
    """The vocabulary's facts at one gate, by everything a person may call them."""

    def __init__(self, vocabulary: Vocabulary, gate: Gate) -> None:
        self.vocabulary = vocabulary
        lines = vocabulary.variables
        self.facts = {
            fact.id: fact
            for fact in vocabulary.facts.values()
            if fact.group in gate.facts and fact.group not in lines and not fact.window
        }
        self.full: dict[str, str] = {}
        short: dict[str, list[str]] = {}
        for fact in self.facts.values():
            group = vocabulary.groups[fact.group].title
            for lang in ("zh", "en"):
                self.full.setdefault(compact(f"{group[lang]}{fact.title[lang]}"), fact.id)
                short.setdefault(compact(fact.title[lang]), []).append(fact.id)
            self.full[compact(fact.id)] = fact.id
        self.short = {name: ids[0] for name, ids in short.items() if len(set(ids)) == 1}

    def named(self, name: str) -> Fact | None:
        """The fact a person surely means: by id, or by group and title."""
        return self.facts.get(self.full.get(compact(name), ""))

    def like(self, name: str, kind: str, texts: Iterable[str] = ()) -> Fact | None:
        """The fact with this name, or with this title when no other fact of the gate has it, if
        its type and choices fit what the file says about the input. Numbers fit an amount only
        under its full name.
        """
        found = self.named(name)
        if found is None:
            found = self.facts.get(self.short.get(compact(name), ""))
            found = None if found and found.type == "money" and kind != "money" else found
        return found if found and fits(found, kind, texts) else None


def fits(fact: Fact, kind: str, texts: Iterable[str]) -> bool:
    """Whether an input of this kind, tested against these texts, can be the fact."""
    wanted = {"choice": "text"}.get(kind, kind)
    own = {"choice": "text"}.get(fact.type, fact.type)
    if wanted and wanted != own and {wanted, own} != {"number", "money"}:
        return False
    known = {fold(value) for value in fact.values}
    return not known or all(fold(text) in known for text in texts)


def mapping_of(pairs: Sequence[str]) -> dict[str, str]:
    """`["Applicant Age=custom.age"]` as a mapping; the last `=` separates. Raises ValueError."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, sign, target = pair.rpartition("=")
        if not sign or not name.strip() or not target.strip():
            raise ValueError(pair)
        found[name.strip()] = target.strip()
    return found


def target_of(name: str, targets: Mapping[str, str]) -> str:
    """What `--map` says about a name: as written, else without spaces, width and case."""
    if name in targets:
        return targets[name]
    wanted = compact(name)
    return next((to for given, to in targets.items() if compact(given) == wanted), "")
