"""A DMN 1.1-1.5 file as a model: decision tables and literal expressions with what they read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from tidegate.engine.language.parser import UnaryTests
from tidegate.errors import InputError
from tidegate.interchange.dmn_types import Types, local, part, parts, text_of, type_ref
from tidegate.interchange.feel import Feel
from tidegate.interchange.feel_arguments import output_of
from tidegate.interchange.model import (
    POLICIES,
    Column,
    Formula,
    Model,
    Output,
    Row,
    Said,
    Table,
    Variable,
    imported_from,
)
from tidegate.interchange.options import Options
from tidegate.interchange.ordering import in_order, keys_of
from tidegate.interchange.remarks import ERROR, WARNING, NotOurs, Place, Remark
from tidegate.interchange.uploads import refused

_PLAIN_NAME = re.compile(r"[^\W\d][\w .'/-]*\Z")
_BOXED = (
    "context", "invocation", "functionDefinition", "relation", "list", "conditional", "filter",
    "for", "some", "every",
)  # fmt: skip


def read_dmn(root: Element, name: str, options: Options) -> Model:
    """The decisions of a file in the order of their requirements.

    Raises:
        InputError: it is no DMN, or it holds no decision.
    """
    if local(root) != "definitions":
        raise refused(
            "not_dmn",
            name,
            f"根元素是 {local(root)}，不是 DMN 的 definitions；请导出为 .dmn",
            f"its root is {local(root)}, not the definitions of DMN; export it as .dmn",
        )
    return _Reader(root, name, options).read()


class _Reader:
    def __init__(self, root: Element, name: str, options: Options) -> None:
        self.root = root
        self.file = name
        self.options = options
        self.types = Types(root)
        title = root.get("name") or name.rpartition(".")[0] or name
        self.model = Model(title, imported_from(name, "DMN"))
        self.names: dict[str, str] = {}
        self.outputs: dict[str, list[str]] = {}  # keys of each decision's outputs, by its id
        self.decisions = list(parts(root, "decision"))

    def read(self) -> Model:
        if not self.decisions:
            raise refused("no_decision", self.file, "里面没有决策", "it holds no decision")
        self._inputs()
        self._results()
        self._implicit()
        self.feel = Feel(self.names)
        for decision in self.decisions:
            self._decision(decision)
        self._others()
        told = {key: name for name, key in self.names.items()}
        made = {key for one in self.model.decisions for key in keys_of(one)}
        every = [key for keys in self.outputs.values() for key in keys]
        self.model.lost = {key: told.get(key, key) for key in every if key not in made}
        ordered, cycle = in_order(self.model.decisions)
        if cycle:
            listed = "、".join(cycle), ", ".join(cycle)
            raise InputError(
                "interchange.cycle",
                zh=f"文件 {self.file}：决策 {listed[0]} 互相依赖；请在原文件中断开其中一个。",
                en=f"{self.file}: the decisions {listed[1]} depend on one another; cut one of them.",
                file=self.file,
            )
        self.model.decisions = ordered
        return self.model

    # names

    def _inputs(self) -> None:
        for given in parts(self.root, "inputData"):
            name = given.get("name", "")
            variable = part(given, "variable")
            for leaf in self.types.leaves(name, type_ref(variable)):
                self._variable(leaf.path, leaf.type, leaf.values)

    def _variable(self, path: str, kind: str, values: tuple[str, ...] = ()) -> None:
        name = " ".join(path.split())
        if name and name not in self.names:
            key = self.model.new_key()
            self.names[name] = key
            self.model.variables[key] = Variable(name, kind, values)

    def _results(self) -> None:
        """A decision is called by its name; one output of several as `decision.output`."""
        for decision in self.decisions:
            name = " ".join(decision.get("name", "").split())
            clauses = _outputs(decision)
            keys = [self.model.new_key() for _ in clauses or (None,)]
            self.outputs[_id(decision)] = keys
            if len(keys) == 1:
                self.names[name] = keys[0]
            for key, clause in zip(keys, clauses, strict=False):
                if len(keys) > 1:
                    self.names[f"{name}.{_label(clause, name)}"] = key

    def _implicit(self) -> None:
        """Inputs that tables name without declaring them, as some tools write files."""
        for decision in self.decisions:
            table = part(decision, "decisionTable")
            for clause in parts(table, "input") if table is not None else ():
                expression = part(clause, "inputExpression")
                text = " ".join(text_of(expression).split())
                if _PLAIN_NAME.match(text) and text not in self.names:
                    values = self.types.texts(text_of(part(clause, "inputValues")))
                    leaf = self.types.leaves(text, type_ref(expression))[:1]
                    kind = leaf[0].type if leaf else ""
                    self._variable(text, kind, values if kind == "text" else ())

    # decisions

    def _decision(self, decision: Element) -> None:
        name = " ".join(decision.get("name", "").split())
        table = part(decision, "decisionTable")
        literal = part(decision, "literalExpression")
        why = _plain(part(decision, "description"))
        if table is not None:
            self._table(decision, table, name, why)
        elif literal is not None:
            self._literal(decision, literal, name, why)
        else:
            boxed = next((local(child) for child in decision if local(child) in _BOXED), "")
            self._report(
                Place(name),
                NotOurs(
                    "interchange.boxed",
                    f"决策 {name} 是 {boxed or '空的'}，这里只导入决策表和单条表达式；"
                    f"请改写为决策表，或把结果作为输入",
                    f"the decision {name} is {boxed or 'empty'}; only decision tables and single "
                    f"expressions are carried over, so make it a table, or its result an input",
                ),
            )

    def _required(self, decision: Element) -> bool:
        """Whether another decision needs it; the others are what the file is asked for."""
        wanted = _id(decision)
        return any(
            href.get("href", "").rpartition("#")[2] == wanted
            for other in self.decisions
            for requirement in parts(other, "informationRequirement")
            for href in parts(requirement, "requiredDecision")
        )

    def _literal(self, decision: Element, literal: Element, name: str, why: str) -> None:
        try:
            self._check_language(literal)
            node = self.feel.expression(text_of(literal))
        except NotOurs as reason:
            self._report(Place(name), reason)
            return
        key = self.outputs[_id(decision)][0]
        self.model.decisions.append(Formula(name, key, node, not self._required(decision), why))

    def _table(self, decision: Element, table: Element, name: str, why: str) -> None:
        rules = list(parts(table, "rule"))
        self.model.read += len(rules)
        policy = (table.get("hitPolicy") or "UNIQUE").upper()
        try:
            self._check_language(table)
            _check_policy(policy, table, len(_outputs(decision)))
            columns = [
                self._column(clause, number)
                for number, clause in enumerate(parts(table, "input"), 1)
            ]
            outputs = self._clauses(decision, name)
        except NotOurs as reason:
            self._report(Place(name), reason)
            return
        rows = []
        for number, rule in enumerate(rules, 1):
            row = self._row(rule, number, name, columns, outputs)
            rows += [row] if row else []
        if rows:
            self.model.decisions.append(
                Table(name, policy, tuple(columns), tuple(outputs), tuple(rows),
                      (table.get("aggregation") or "").upper(), why)
            )  # fmt: skip

    def _column(self, clause: Element, number: int) -> Column:
        expression = part(clause, "inputExpression")
        text = text_of(expression)
        label = clause.get("label") or text or str(number)
        try:
            if expression is not None:
                self._check_language(expression)
            return Column(label, self.feel.expression(text))
        except NotOurs as reason:
            raise NotOurs(
                reason.code, f"“{label}”列：{reason.zh}", f"column {label}: {reason.en}"
            ) from reason

    def _clauses(self, decision: Element, name: str) -> list[Output]:
        found = []
        result = not self._required(decision)
        keys = self.outputs[_id(decision)]
        for key, clause in zip(keys, _outputs(decision), strict=True):
            order = self.types.values(text_of(part(clause, "outputValues")))
            default = text_of(part(clause, "defaultOutputEntry"))
            node = self.feel.expression(default) if default else None
            label = _label(clause, name) if len(keys) > 1 else clause.get("name") or name
            found.append(Output(label, key, order, node, None, result))
        return found

    def _row(
        self,
        rule: Element,
        number: int,
        name: str,
        columns: Sequence[Column],
        outputs: Sequence[Output],
    ) -> Row | None:
        entries = list(parts(rule, "inputEntry"))
        results = list(parts(rule, "outputEntry"))
        if len(entries) != len(columns) or len(results) != len(outputs):
            wrong = NotOurs(
                "interchange.row_width",
                f"这一行有 {len(entries)} 个条件、{len(results)} 个结果，应为 {len(columns)} 和 "
                f"{len(outputs)} 个；请在原文件中补齐",
                f"the row has {len(entries)} conditions and {len(results)} results instead of "
                f"{len(columns)} and {len(outputs)}; complete it in the file",
            )
            self._report(Place(name, number), wrong)
            return None
        before = len(self.model.remarks)
        cells: list[UnaryTests] = []
        for column, entry in zip(columns, entries, strict=True):
            try:
                self._check_language(entry)
                cells.append(self.feel.tests(text_of(entry)))
            except NotOurs as reason:
                self._report(Place(name, number, column.name), reason)
        said: list[Said] = []
        for output, entry in zip(outputs, results, strict=True):
            try:
                self._check_language(entry)
                said.append(output_of(self.feel, text_of(entry)))
            except NotOurs as reason:
                self._report(Place(name, number, output.name), reason)
        if len(self.model.remarks) > before:
            return None
        return Row(number, tuple(cells), tuple(said), _note(rule))

    # what else there is

    def _others(self) -> None:
        for other in parts(self.root, "businessKnowledgeModel", "decisionService"):
            name = other.get("name", "")
            self._report(
                Place(name),
                NotOurs(
                    "interchange.not_a_decision",
                    f"{local(other)} {name} 没有导入：这里没有自定义函数和决策服务；"
                    f"用到它的决策请改写为表或表达式",
                    f"the {local(other)} {name} isn't carried over: functions of one's own and "
                    f"decision services don't exist here; rewrite the decisions that use it",
                ),
                WARNING,
            )
        for other in parts(self.root, "import"):
            self._report(
                Place(other.get("name", "")),
                NotOurs(
                    "interchange.import",
                    f"引用的文件 {other.get('name', '')} 没有读取；请先在建模工具里合并成一个文件",
                    f"the imported file {other.get('name', '')} isn't read; merge both in the "
                    f"modelling tool",
                ),
            )

    def _check_language(self, element: Element) -> None:
        language = element.get("expressionLanguage") or self.root.get("expressionLanguage") or ""
        if language and "feel" not in language.lower():
            raise NotOurs(
                "interchange.language",
                f"表达式语言是 {language}，这里只读 FEEL；请在建模工具里改为 FEEL",
                f"it is written in {language}, only FEEL is read; change it in the modelling tool",
            )

    def _report(self, place: Place, reason: NotOurs, severity: str = ERROR) -> None:
        self.model.remarks.append(Remark(severity, reason.code, reason.zh, reason.en, place))


def _check_policy(policy: str, table: Element, outputs: int) -> None:
    if outputs == 0:
        raise NotOurs(
            "interchange.no_outputs",
            "这张表没有输出列；请补上",
            "the table has no output; add one",
        )
    if policy not in POLICIES:
        raise NotOurs(
            "interchange.policy",
            f"不认识命中策略 {policy}；可用：{', '.join(POLICIES)}",
            f"the hit policy {policy} isn't known; possible: {', '.join(POLICIES)}",
        )
    if table.get("aggregation") and outputs > 1:
        raise NotOurs(
            "interchange.aggregation",
            "聚合只能用于一个输出列；请拆成几个决策",
            "an aggregation has one output; make it several decisions",
        )


def _outputs(decision: Element) -> list[Element]:
    table = part(decision, "decisionTable")
    return list(parts(table, "output")) if table is not None else []


def _label(clause: Element, name: str) -> str:
    """What an output is called."""
    return " ".join((clause.get("name") or clause.get("label") or name).split())


def _id(decision: Element) -> str:
    return decision.get("id") or decision.get("name") or ""


def _plain(element: Element | None) -> str:
    return " ".join((element.text or "").split()) if element is not None else ""


def _note(rule: Element) -> str:
    said = [_plain(part(rule, "description"))]
    said += [text_of(entry) for entry in parts(rule, "annotationEntry")]
    return " · ".join(dict.fromkeys(text for text in said if text and text != "-"))
