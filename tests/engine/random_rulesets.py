"""Random rule-set documents (plain data, as JSON would give them) that read without a problem."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import random_literals as literals
from random_expressions import CHOICES, ORDERED, Expressions
from random_vocabularies import KINDS, UNITS, WRITTEN, a_title

from tidegate.engine.language import tree
from tidegate.engine.language.binding import Scope, bind
from tidegate.engine.language.parser import parse
from tidegate.engine.language.rendering import literal_text, render
from tidegate.engine.language.types import BOOLEAN, NUMBER, TEXT, Type, list_of, of_fact
from tidegate.engine.rulesets import reads
from tidegate.engine.values import plain
from tidegate.engine.vocabulary import Action, Argument, Vocabulary, read_fact

WORDS = ("SF.standard", "SF.*", "ZTO-1", "no_rule_decided", "加急", "a, b", "12:30", "NO", "true")
POLICIES = ("first", "unique", "any", "priority", "collect", "stages")
DAYS = ("2026-11-10", "2026-11-11", "2026-11-12")


class Documents:
    """Builds one document. `size` bounds the expressions, `rules` the number of rules."""

    def __init__(self, rng: Random, vocabulary: Vocabulary, size: int, rules: int) -> None:
        self.rng = rng
        self.vocabulary = vocabulary
        self.size = size
        self.rules = rules
        self.titles = {group.title["zh"] for group in vocabulary.groups.values()}
        self.ids = 0
        self.palette: list[str] = []
        self.reading: dict[str, set[str]] = {}  # what each derived fact reads of WRITTEN
        self.scope = Scope(vocabulary)

    def document(self, policy: str) -> dict[str, Any]:
        rng = self.rng
        parameters = {f"p{n}": self._parameter() for n in range(rng.randint(0, 4))}
        lists = {f"列表{n}" if n == 1 else f"l{n}": self._list() for n in range(rng.randint(0, 3))}
        fields = {f"custom.f{n}": self._field() for n in range(rng.randint(0, 2))}
        self._prepare(parameters, lists, fields, policy)
        found: dict[str, Any] = {
            "tidegate": "ruleset/1",
            "id": f"set-{rng.randint(0, 99)}",
            "gate": "gate",
        }
        if rng.random() < 0.8:
            found["title"] = a_title(rng, self.titles)
        found["policy"] = policy
        named = {"parameters": parameters, "lists": lists, "fields": fields}
        found |= {key: value for key, value in named.items() if value}
        derive = self._derive()
        found |= {"derive": derive} if derive else {}
        if rng.random() < 0.7:
            found["on_missing"] = rng.choice(("hold", "hold", "skip", "fail"))
        if policy == "stages":
            found["stages"] = [self._stage(n) for n in range(rng.randint(1, 3))]
        else:
            found |= self._body(policy)
        return found

    # names

    def _constant(self, kind: str, values: tuple[str, ...] = ()) -> Any:
        if kind == "choice":
            return self.rng.choice(values)
        value = literals.MAKE[kind](self.rng)
        return plain(value)

    def _parameter(self) -> dict[str, Any]:
        kind = self.rng.choice(
            (
                "number",
                "money",
                "duration",
                "text",
                "boolean",
                "date",
                "instant",
                "choice",
                "number",
                "duration",
            )
        )
        values = self.rng.choice(CHOICES)
        spec: dict[str, Any] = {"type": kind, "value": self._constant(kind, values)}
        if kind == "choice":
            spec["values"] = list(values)
        if kind == "number" and self.rng.random() < 0.5:
            spec["unit"] = self.rng.choice(UNITS)
        if kind in ("number", "money") and self.rng.random() < 0.3:
            spec["min"] = spec["value"]
        return spec | ({"title": a_title(self.rng, self.titles)} if self.rng.random() < 0.5 else {})

    def _list(self) -> Any:
        kind = self.rng.choice(("text", "text", "number", "money", "duration", "date", "instant"))
        values = [self._constant(kind) for _ in range(self.rng.randint(0, 5))]
        if kind == "text" and self.rng.random() < 0.5:
            return values
        spec: dict[str, Any] = {"type": kind, "values": values}
        return spec | ({"title": a_title(self.rng, self.titles)} if self.rng.random() < 0.5 else {})

    def _field(self) -> dict[str, Any]:
        kind = self.rng.choice(KINDS)
        spec: dict[str, Any] = {"type": kind, "title": a_title(self.rng, self.titles)}
        if kind == "choice":
            spec["values"] = list(self.rng.choice(CHOICES))
        if kind == "number":
            spec |= {"unit": self.rng.choice(UNITS), "window": self.rng.random() < 0.3}
        return spec

    def _prepare(
        self,
        parameters: Mapping[str, Any],
        lists: Mapping[str, Any],
        fields: Mapping[str, Any],
        policy: str,
    ) -> None:
        custom = {name: read_fact(name, spec) for name, spec in fields.items()}
        own = {
            name: spec
            for name, spec in (*parameters.items(), *lists.items())
            if isinstance(spec, dict)
        }
        aliases = {spec["title"]["zh"]: name for name, spec in own.items() if "title" in spec}
        aliases |= {f"自定义.{fact.title['zh']}": fact.id for fact in custom.values()}
        gate = self.vocabulary.gates["gate"]
        actions = self.vocabulary.actions
        mains = {
            n: of_fact(actions[n].args[actions[n].main].type) if actions[n].main else BOOLEAN
            for n in gate.actions
        }
        self.scope = Scope(
            self.vocabulary,
            parameters={
                name: of_fact(p["type"], p.get("unit", ""), tuple(p.get("values", ())))
                for name, p in parameters.items()
            },
            lists={
                name: list_of(of_fact(x["type"] if isinstance(x, dict) else "text"))
                for name, x in lists.items()
            },
            derived={},
            aliases=aliases,
            custom={**custom, **{f"自定义.{fact.title['zh']}": fact for fact in custom.values()}},
            gate="gate",
            gate_facts=frozenset(gate.facts),
            decided={name: list_of(kind) for name, kind in mains.items()}
            if policy == "stages"
            else {},
        )

    def _derive(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for n in range(self.rng.choice((0, 0, 1, 2, 3))):
            name = f"d{n}" if n != 1 else "派生一"
            kind = self.rng.choice((BOOLEAN, BOOLEAN, NUMBER, TEXT, *ORDERED, list_of(TEXT)))
            avoid = frozenset(self.rng.sample(WRITTEN, self.rng.randint(0, 2)))
            text = self.expression(kind, self._avoiding(avoid))
            bound, own, problems = bind(parse(text), self.scope)
            assert not problems, (text, problems)
            self.reading[name] = {
                w for r in reads(bound) for w in (self.reading.get(r, ()) or {r}) if w in WRITTEN
            }
            self.scope.derived[name] = own
            found[name] = (
                {"value": text, "title": a_title(self.rng, self.titles)}
                if self.rng.random() < 0.3
                else text
            )
        return found

    def _avoiding(self, facts: frozenset[str]) -> frozenset[str]:
        return facts | {name for name, read in self.reading.items() if read & facts}

    # expressions

    def expression(self, kind: Type, avoid: frozenset[str] = frozenset()) -> str:
        """Canonical text of a random expression, within the limits of the parser."""
        for size in range(self.rng.randint(0, self.size), -1, -1):
            node = Expressions(self.rng, self.scope, avoid).value(kind, size)
            text = render(node)
            if len(text) <= 1_900 and tree.depth(node) <= 38:
                return text
        return render(Expressions(self.rng, self.scope, avoid).literal(kind))

    def condition(self, avoid: frozenset[str], level: int = 0) -> list[Any]:
        found: list[Any] = []
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            if level < 3 and self.rng.random() < 0.15:
                found.append(
                    {self.rng.choice(("all", "any", "none")): self.condition(avoid, level + 1)}
                )
            else:
                found.append(self.expression(BOOLEAN, avoid))
        return found

    # stages, rules, tables

    def _stage(self, number: int) -> dict[str, Any]:
        policy = self.rng.choice(POLICIES[:-1])
        found: dict[str, Any] = {"id": f"stage{number}", "policy": policy}
        if self.rng.random() < 0.5:
            found["on_missing"] = self.rng.choice(("hold", "skip", "fail"))
        return found | self._body(policy)

    def _body(self, policy: str) -> dict[str, Any]:
        rng = self.rng
        found: dict[str, Any] = {}
        self.palette = self._palette(policy)
        if policy == "priority":
            names = [
                name
                for name in ("reject", "hold", "approve", "use", "tag")
                if name in self.vocabulary.actions
            ]
            found["severity"] = rng.sample(names, rng.randint(1, len(names)))
        if rng.random() < 0.7:
            found["otherwise"] = self.actions(frozenset(), rng.randint(0, 2))
        found["rules"] = [self.rule() for _ in range(rng.randint(1, self.rules))]
        if rng.random() < 0.4:
            tables = [self.table() for _ in range(rng.randint(1, 2))]
            found = (
                {**found, "tables": tables} if rng.random() < 0.7 else {"tables": tables, **found}
            )
        return found

    def _palette(self, policy: str) -> list[str]:
        """The few actions that the rules of one stage choose from, so that they often agree."""
        if self.scope.decided and self.rng.random() < 0.6:
            return ["exclude", "use"]
        known = sorted(self.vocabulary.actions)
        return self.rng.sample(known, self.rng.randint(1, 2 if policy in ("unique", "any") else 6))

    def _id(self, kind: str) -> str:
        self.ids += 1
        return f"{kind}{self.ids}"

    def _written(self) -> tuple[frozenset[str], frozenset[str]]:
        """What a rule may write of WRITTEN, and what it therefore may not read."""
        level = self.rng.choice((None, None, 0, 1))
        if level is None:
            return frozenset(), frozenset()
        return frozenset(WRITTEN[level : level + 1]), self._avoiding(frozenset(WRITTEN[level:]))

    def rule(self) -> dict[str, Any]:
        rng = self.rng
        writes, avoid = self._written()
        found: dict[str, Any] = {"id": self._id("r")}
        if rng.random() < 0.8:
            found["title"] = a_title(rng, self.titles)
            found["why"] = self._why()
        if rng.random() < 0.15:
            found["active"] = dict(
                rng.sample(
                    [("from", DAYS[rng.randint(0, 1)]), ("to", DAYS[rng.randint(1, 2)])],
                    rng.randint(1, 2),
                )
            )
        found["if"] = [] if rng.random() < 0.04 else self.condition(avoid)
        readable = [name for name in WRITTEN if name not in avoid]
        if readable and rng.random() < 0.3:
            found["if"].append(self._reads_written(rng.choice(readable)))
        found["then"] = self.actions(writes, rng.choice((1, 1, 1, 2)), avoid)
        return found

    def _why(self) -> Any:
        """One text for both languages, or one for each; a language may say nothing."""
        rng = self.rng
        one = rng.choice(literals.TEXTS)
        if rng.random() < 0.5:
            return one
        both = {"zh": one, "en": rng.choice(literals.TEXTS)}
        return both if rng.random() < 0.8 else dict([rng.choice(list(both.items()))])

    def _reads_written(self, name: str) -> str:
        """A condition on what other rules of the set may have written."""
        written = literal_text(self.rng.choice(WORDS))
        return self.rng.choice(
            (
                f"{written} in {name}",
                f"not({written} in {name})",
                f"count({name}) > 1",
                f"list contains({name}, {written})",
                f"{name} is present",
                f"some word in {name} satisfies word = {written}",
            )
        )

    def actions(
        self, writes: frozenset[str], count: int, avoid: frozenset[str] = frozenset()
    ) -> list[Any]:
        allowed = [
            a
            for a in self.vocabulary.actions.values()
            if a.writes not in WRITTEN or a.writes in writes
        ]
        wanted = [a for a in allowed if a.writes in writes]
        allowed = [a for a in allowed if a.id in self.palette] or allowed
        chosen = [self.rng.choice(allowed) for _ in range(count)]
        if wanted and count and self.rng.random() < 0.8:
            chosen[-1] = wanted[0]
        return [self._action(action, avoid) for action in chosen]

    def _action(self, action: Action, avoid: frozenset[str]) -> Any:
        given = {
            name: self._argument(arg, avoid)
            for name, arg in action.args.items()
            if arg.required or self.rng.random() < 0.5
        }
        if not given:
            return action.id
        if list(given) == [action.main] and self.rng.random() < 0.7:
            several = action.many and self.rng.random() < 0.2
            return {
                action.id: [given[action.main], self._argument(action.args[action.main], avoid)]
                if several
                else given[action.main]
            }
        return {action.id: given}

    def _argument(self, arg: Argument, avoid: frozenset[str]) -> Any:
        rng = self.rng
        if arg.type == "choice":
            return rng.choice(arg.values)
        if arg.type == "any":
            kind = rng.choice((BOOLEAN, *ORDERED))
            return (
                f"={self.expression(kind, avoid)}"
                if rng.random() < 0.4
                else (str(self._constant(kind.kind)).lstrip("=") or "x")
            )
        if arg.type == "text":
            if rng.random() < 0.15:
                return f"= {self.expression(TEXT, avoid)}"
            return rng.choice(WORDS[: rng.choice((2, len(WORDS)))])
        return self.expression(of_fact(arg.type, arg.unit), avoid)

    def table(self) -> dict[str, Any]:
        rng = self.rng
        writes, avoid = self._written()
        maker = Expressions(rng, self.scope, avoid)
        kinds = [maker.a_type() for _ in range(rng.randint(1, 3))]
        inputs = [self._input(kind, avoid) for kind in kinds]
        outputs = [
            a
            for a in self.vocabulary.actions.values()
            if a.main and (a.writes not in WRITTEN or a.writes in writes)
        ]
        columns = rng.sample(outputs, rng.randint(1, min(2, len(outputs))))
        found: dict[str, Any] = {
            "id": self._id("t"),
            "inputs": inputs,
            "outputs": [a.id for a in columns],
        }
        if rng.random() < 0.7:
            found["policy"] = rng.choice(("first", "unique", "any", "collect"))
        if rng.random() < 0.5:
            found["title"] = a_title(rng, self.titles)
        if rng.random() < 0.5:
            found["why"] = self._why()
        rows: list[dict[str, Any]] = []
        for n in range(rng.randint(1, 4)):
            row: dict[str, Any] = {
                "id": f"x{n}",
                "when": [self.cell(kind, avoid) for kind in kinds],
            }
            row["then"] = [
                "-" if rng.random() < 0.1 else self._cell_action(a, avoid) for a in columns
            ]
            row |= {"note": "备注, 说明"} if rng.random() < 0.2 else {}
            rows.append(row | ({"why": self._why()} if rng.random() < 0.3 else {}))
        return found | {"rows": rows}

    def _input(self, kind: Type, avoid: frozenset[str]) -> str:
        maker = Expressions(self.rng, self.scope, avoid)
        return render(maker.value(kind, self.rng.choice((0, 0, 0, 1))))

    def _cell_action(self, action: Action, avoid: frozenset[str]) -> Any:
        given = self._action(action, avoid)
        return given[action.id] if isinstance(given, dict) else "-"

    def cell(self, kind: Type, avoid: frozenset[str]) -> Any:
        rng = self.rng
        if rng.random() < 0.25:
            return "-"
        if kind.kind == "boolean":
            return rng.choice((True, False, "true", "not(true)", "?", "not(?)"))
        maker = Expressions(rng, self.scope, avoid)
        tests = ", ".join(self._test(maker, kind) for _ in range(rng.choice((1, 1, 1, 2))))
        return f"not({tests})" if rng.random() < 0.15 else tests

    def _test(self, maker: Expressions, kind: Type) -> str:
        shape = self.rng.random()
        if shape < 0.35:
            return (
                f"{self.rng.choice(('=', '!=', '<', '<=', '>', '>='))} {render(maker.leaf(kind))}"
            )
        if shape < 0.55:
            return render(maker.range(kind))
        if shape < 0.65:
            return f"(? > {render(maker.leaf(kind))} or ? is missing)"
        if shape < 0.7 and kind.kind == "text" and not kind.values:
            return f"starts with(?, {render(maker.literal(kind))})"
        if shape < 0.75:
            return f"some x in [{render(maker.literal(kind))}] satisfies x = ?"
        return render(maker.leaf(kind))


def a_document(
    rng: Random, vocabulary: Vocabulary, policy: str = "", size: int = 3, rules: int = 5
) -> dict[str, Any]:
    """A random document under the policy (any when empty)."""
    return Documents(rng, vocabulary, size, rules).document(policy or rng.choice(POLICIES))
