"""Parameter values inside their own limits that make a rule impossible or always true, alone or two
together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations

from tidegate.engine.checking.analysis import Analysis
from tidegate.engine.checking.findings import WARNING, Finding, about
from tidegate.engine.language import tree
from tidegate.engine.language.rendering import literal_text
from tidegate.engine.operations import order
from tidegate.engine.proof.boxes import FALSE, TRUE, TooManyBoxes
from tidegate.engine.proof.formulas import atoms
from tidegate.engine.proof.spaces import LOOSE, Space
from tidegate.engine.proof.witnesses import Judge, Witness
from tidegate.engine.rulesets import Rule, RuleSet

Setting = Mapping[str, object]


def with_parameters(ruleset: RuleSet, values: Setting) -> RuleSet:
    """The set with other values of some parameters."""
    changed = {
        name: replace(parameter, value=values.get(name, parameter.value))
        for name, parameter in ruleset.parameters.items()
    }
    return replace(ruleset, parameters=changed)


def limits(analysis: Analysis) -> Iterator[Finding]:
    ruleset = analysis.ruleset
    if not ruleset.parameters:
        return
    for rule in analysis.simple(ruleset.rules):
        names = _read(ruleset, rule)
        if not names or not _compares_twice(analysis, rule) or not analysis.true(rule):
            continue
        broken: set[str] = set()
        for setting in _settings(ruleset, names):
            if broken & set(setting):
                continue
            found = _broken(analysis, rule, setting)
            if found is not None:
                broken |= set(setting)
                yield found


def _read(ruleset: RuleSet, rule: Rule) -> list[str]:
    """Parameters with limits that the rule's condition uses, also through derived facts."""
    found: dict[str, None] = {}
    nodes = [leaf.node for leaf in rule.leaves]
    while nodes:
        for part in tree.walk(nodes.pop()):
            if isinstance(part, tree.Parameter):
                found[part.id] = None
            elif isinstance(part, tree.Derived):
                nodes.append(ruleset.derive[part.id].node)
    bounded = (ruleset.parameters[name] for name in sorted(found))
    return [p.id for p in bounded if p.low is not None or p.high is not None]


def _compares_twice(analysis: Analysis, rule: Rule) -> bool:
    """One comparison of a fact can't contradict anything; two of the same fact can."""
    groups: dict[int, int] = {}
    for atom in atoms(analysis.space.formulas[0, rule.id]):
        for number, group in enumerate(analysis.space.layout.groups):
            if atom in group.encodings():
                wide = any(
                    isinstance(part, (tree.Between, tree.Range)) for part in tree.walk(atom.node)
                )
                groups[number] = groups.get(number, 0) + 1 + wide
    return any(count > 1 for count in groups.values())


def _settings(ruleset: RuleSet, names: list[str]) -> Iterator[Setting]:
    """Each parameter at its limits, then two at opposite limits."""
    known = {name: ruleset.parameters[name] for name in names}
    for name, parameter in known.items():
        for value in (parameter.low, parameter.high):
            if value is not None and order(value, parameter.value) != 0:
                yield {name: value}
    for one, other in combinations(names, 2):
        ends = ((known[one].low, known[other].high), (known[one].high, known[other].low))
        for first, second in ends:
            if first is not None and second is not None:
                yield {one: first, other: second}


def _broken(analysis: Analysis, rule: Rule, setting: Setting) -> Finding | None:
    changed = with_parameters(analysis.ruleset, setting)
    space = Space([changed], analysis.space.now, analysis.space.zone.key, only={rule.id})
    try:
        never = not space.boxes((0, rule.id), TRUE, LOOSE)
        always = not space.boxes((0, rule.id), FALSE, LOOSE)
        before = analysis.space.boxes((0, rule.id), FALSE, LOOSE)
    except TooManyBoxes:
        return None
    if not never and not (always and before):
        return None
    witness = _witness(analysis, Judge(changed, analysis.space), rule, never)
    if witness is None:
        return None
    shown = [f"{name} = {literal_text(value)}" for name, value in setting.items()]
    zh = "永远不会成立" if never else "总是成立"
    en = "can never fire" if never else "always holds"
    code = "check.parameter_relation" if len(setting) > 1 else "check.parameter_limit"
    return about(
        WARNING, code, rule,
        f"参数在各自范围内可取 {'、'.join(shown)}，这时它{zh}；请收紧范围",
        f"within their limits the parameters may be {' and '.join(shown)}, and then it {en}; "
        f"narrow the limits", (), witness,
    )  # fmt: skip


def _witness(analysis: Analysis, then: Judge, rule: Rule, never: bool) -> Witness | None:
    """A document on which the rule answers differently with the changed parameters."""
    mode = TRUE if never else FALSE
    for box in analysis.space.boxes((0, rule.id), mode):
        for witness in analysis.judge.candidates(box):
            now = analysis.judge.shows(witness, lambda seen: seen.holds(rule.id) is never)
            if now and then.shows(witness, lambda seen: seen.holds(rule.id) is not never):
                return witness
    return None
