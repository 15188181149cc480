"""DMN files as rule sets: what they decided, they decide here."""

from __future__ import annotations

from typing import Any

import pytest
from exchanging import (
    DMN,
    brought,
    definitions,
    errors,
    given,
    literal,
    needs,
    outcome,
    table,
    warnings,
)

from tidegate.engine.vocabulary import Vocabulary
from tidegate.errors import InputError

AGE = given("Applicant Age", "number")
RISK = (
    '<itemDefinition name="tRisk"><typeRef>string</typeRef><allowedValues><text>"High", "Medium", '
    '"Low"</text></allowedValues></itemDefinition>' + given("Risk Category", "tRisk")
)
APPROVAL = table(
    "Approval Status",
    ["Applicant Age", "Risk Category"],
    [
        [">= 18", '"Low", "Medium"', '"Approved"'],
        ["< 18", "-", '"Declined"'],
        [">= 18", '"High"', '"Declined"'],
    ],
)


def test_a_table_becomes_a_table_with_typed_fields_and_the_original_names(
    vocabulary: Vocabulary,
) -> None:
    found = brought(definitions(RISK, AGE, APPROVAL), vocabulary)
    assert found.document["fields"] == {
        "custom.applicant_age": {"type": "number", "title": "Applicant Age"},
        "custom.risk_category": {
            "type": "choice",
            "title": "Risk Category",
            "values": ["High", "Medium", "Low"],
        },
    }
    (made,) = found.document["tables"]
    assert made["policy"] == "unique"
    assert made["inputs"] == ["custom.applicant_age", "custom.risk_category"]
    assert made["rows"][0]["when"] == [">= 18", '"Low", "Medium"']
    assert (found.read, found.accepted, found.rejected) == (3, 3, 0)
    assert found.complete


@pytest.mark.parametrize(
    ("age", "risk", "wanted"),
    [(18, "Low", "Approved"), (17, "Low", "Declined"), (18, "High", "Declined")],
)
def test_it_decides_what_the_file_says_at_its_boundaries(
    vocabulary: Vocabulary, age: int, risk: str, wanted: str
) -> None:
    found = brought(definitions(RISK, AGE, APPROVAL), vocabulary)
    values = {"Applicant Age": age, "Risk Category": risk}
    assert outcome(found, vocabulary, values) == [("Approval Status", wanted)]


def test_rows_that_cannot_be_carried_over_are_named_cell_by_cell(vocabulary: Vocabulary) -> None:
    rules = [
        [">= 18", '"Low"', '"A"'],
        [">= 18", '"Hihg"', '"B"'],  # no such choice
        ["about 18", "-", '"C"'],  # no expression
        ["Salary", "-", '"D"'],  # a name nobody declared
        ["-", "-", "{a: 1}"],  # no argument of the action
        ["-", "-", '"F"', '"extra"'],  # a cell too many
    ]
    found = brought(
        definitions(RISK, AGE, table("T", ["Applicant Age", "Risk Category"], rules)), vocabulary
    )
    assert (found.read, found.accepted, found.rejected) == (6, 1, 5)
    assert sorted(errors(found)) == [
        ("T", 2, "Risk Category", "rule.unknown_choice"),
        ("T", 3, "Applicant Age", "rule.syntax"),
        ("T", 4, "Applicant Age", "interchange.unknown_name"),
        ("T", 5, "", "interchange.unknown_argument"),
        ("T", 6, "", "interchange.row_width"),
    ]
    assert warnings(found) == ["interchange.rows_left_out"]
    for remark in found.remarks:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in remark.text("zh"))
        assert not any("\u4e00" <= letter <= "\u9fff" for letter in remark.text("en"))


def test_a_file_of_which_nothing_can_be_carried_over_gives_no_document(
    vocabulary: Vocabulary,
) -> None:
    found = brought(definitions(AGE, table("T", ["Applicant Age"], [["x y z", "1"]])), vocabulary)
    assert (found.document, found.read, found.accepted) == ({}, 1, 0)


# hit policies: each table says more than one thing at the value asked

STEPS = [["> 1", "10"], ["> 2", "30"], ["> 3", "20"]]


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ("FIRST", [10]),
        ("RULE ORDER", [10, 30, 20]),
        ("COLLECT", [10, 30, 20]),
        ("COLLECT:SUM", [60]),
        ("COLLECT:MIN", [10]),
        ("COLLECT:MAX", [30]),
        ("COLLECT:COUNT", [3]),
    ],
)
def test_hit_policies_give_what_dmn_says(
    vocabulary: Vocabulary, policy: str, wanted: list[int]
) -> None:
    found = brought(definitions(given("n", "number"), table("T", ["n"], STEPS, policy)), vocabulary)
    assert found.complete
    assert [value for _, value in outcome(found, vocabulary, {"n": 4})] == wanted
    assert outcome(found, vocabulary, {"n": 1}) == []


@pytest.mark.parametrize(
    ("policy", "wanted"), [("PRIORITY", ["high"]), ("OUTPUT ORDER", ["high", "mid", "low"])]
)
def test_priority_and_output_order_follow_the_listed_values(
    vocabulary: Vocabulary, policy: str, wanted: list[str]
) -> None:
    rules = [["> 1", '"low"'], ["> 2", '"high"'], ["> 3", '"mid"']]
    text = table("T", ["n"], rules, policy, values='"high", "mid", "low"')
    found = brought(definitions(given("n", "number"), text), vocabulary)
    assert [value for _, value in outcome(found, vocabulary, {"n": 4})] == wanted


def test_priority_without_listed_values_is_refused(vocabulary: Vocabulary) -> None:
    found = brought(
        definitions(given("n", "number"), table("T", ["n"], STEPS, "PRIORITY")), vocabulary
    )
    assert errors(found) == [("T", 0, "", "interchange.no_output_values")]
    assert (found.read, found.accepted) == (3, 0)


def test_two_matches_of_a_unique_table_are_a_conflict_and_hold(vocabulary: Vocabulary) -> None:
    found = brought(definitions(given("n", "number"), table("T", ["n"], STEPS)), vocabulary)
    assert outcome(found, vocabulary, {"n": 2}) == [("T", 10)]
    assert outcome(found, vocabulary, {"n": 3}) == [("hold", "conflict")]


@pytest.mark.parametrize("policy", ["FIRST", "UNIQUE", "ANY"])
def test_a_default_output_stands_when_no_row_matches(vocabulary: Vocabulary, policy: str) -> None:
    text = table("T", ["n"], [["> 5", '"big"']], policy, default='"small"')
    found = brought(definitions(given("n", "number"), text), vocabulary)
    assert found.complete
    assert outcome(found, vocabulary, {"n": 6}) == [("T", "big")]
    assert outcome(found, vocabulary, {"n": 5}) == [("T", "small")]


def test_several_outputs_are_several_actions(vocabulary: Vocabulary) -> None:
    text = table(
        "T", ["n"], [["> 5", '"big"', "0.5"], ["<= 5", "-", "1"]], outputs=["Size", "Rate"]
    )
    found = brought(definitions(given("n", "number"), text), vocabulary)
    assert outcome(found, vocabulary, {"n": 6}) == [("Size", "big"), ("Rate", 0.5)]
    assert outcome(found, vocabulary, {"n": 5}) == [("Rate", 1)]


# decisions that need one another

CHAIN = (
    given("income", "number"),
    given("debt", "number"),
    literal("limit", "0.5"),
    literal("ratio", "debt / income"),
    table("band", ["ratio"], [["> limit", '"bad"'], ["<= limit", '"good"']], before=needs("ratio", "limit")),
    table("offer", ["band", "income"], [['"good"', "> 100", '"gold"'], ['"good"', "<= 100", '"plain"']],
          before=needs("band")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("income", "debt", "wanted"),
    [(200, 100, ["gold"]), (200, 101, []), (100, 50, ["plain"]), (100, None, [])],
)
def test_chained_decisions_become_derived_facts_and_one_table(
    vocabulary: Vocabulary, income: int, debt: int | None, wanted: list[str]
) -> None:
    found = brought(definitions(*CHAIN), vocabulary)
    assert found.complete
    assert (found.read, found.accepted) == (4, 4)
    assert found.document["parameters"]["limit"]["value"] == 0.5
    assert {"ratio", "band"} <= set(found.document["derive"])
    assert [one["id"] for one in found.document["tables"]] == ["offer"]
    came = outcome(found, vocabulary, {"income": income, "debt": debt})
    assert [value for _, value in came] == wanted


@pytest.mark.parametrize(
    ("policy", "values", "wanted"),
    [
        ("FIRST", "", {2: "one", 3: "one", 4: "one"}),
        ("UNIQUE", "", {2: "one", 3: None, 4: None}),
        ("ANY", "", {2: "one", 3: None, 4: None}),
        ("PRIORITY", '"three", "two", "one"', {2: "one", 3: "two", 4: "three"}),
    ],
)
def test_a_chained_table_keeps_its_hit_policy(
    vocabulary: Vocabulary, policy: str, values: str, wanted: dict[int, str | None]
) -> None:
    """UNIQUE and ANY have no value where rows contradict each other."""
    inner = table("inner", ["n"], [["> 1", '"one"'], ["> 2", '"two"'], ["> 3", '"three"']], policy,
                  values=values)  # fmt: skip
    outer = table("outer", ["inner"], [['"one"', "1"], ['"two"', "2"], ['"three"', "3"]],
                  before=needs("inner"))  # fmt: skip
    found = brought(definitions(given("n", "number"), inner, outer), vocabulary)
    assert found.complete
    numbers = {"one": 1, "two": 2, "three": 3}
    for n, value in wanted.items():
        came = [said for _, said in outcome(found, vocabulary, {"n": n})]
        assert came == ([numbers[value]] if value else []), n


def test_a_long_chained_table_is_split_into_facts_that_fit(vocabulary: Vocabulary) -> None:
    inner = table(
        "inner", ["n"], [[str(n), f'"value {n} {"x" * 60}"'] for n in range(200)], "FIRST"
    )
    outer = table("outer", ["inner"], [[f'"value {n} {"x" * 60}"', str(n)] for n in (0, 120, 199)],
                  "FIRST", before=needs("inner"))  # fmt: skip
    found = brought(definitions(given("n", "number"), inner, outer), vocabulary)
    assert found.complete
    for n in (0, 120, 199):
        assert outcome(found, vocabulary, {"n": n}) == [("outer", n)]
    assert outcome(found, vocabulary, {"n": 200}) == []


def test_what_cannot_be_worked_out_has_to_be_given(vocabulary: Vocabulary) -> None:
    """A decision in a boxed form that is not ours leaves a field for its value."""
    boxed = '<decision id="score" name="Score"><context/></decision>'
    text = table("T", ["Score"], [["> 5", '"yes"']], before=needs("score"))
    found = brought(definitions(boxed, text), vocabulary)
    assert errors(found) == [("Score", 0, "", "interchange.boxed")]
    assert found.names == {"Score": "custom.score"}
    assert outcome(found, vocabulary, {"Score": 6}) == [("T", "yes")]


def test_decisions_in_a_circle_are_refused(vocabulary: Vocabulary) -> None:
    text = definitions(
        table("a", ["b"], [["1", "2"]], before=needs("b")),
        table("b", ["a"], [["1", "2"]], before=needs("a")),
    )
    with pytest.raises(InputError) as caught:
        brought(text, vocabulary)
    assert caught.value.code == "interchange.cycle"


# what cells may say


@pytest.mark.parametrize(
    ("cell", "yes", "no"),
    [
        ("[18..65)", 18, 65),
        ("]18..65]", 65, 18),
        ("(18..65)", 19, 18),
        ("18, 21", 21, 20),
        ("not(18, 21)", 20, 21),
        ("< 18, > 65", 66, 65),
        ("? > 18 and ? < 65", 19, 18),
        ("18 + 1", 19, 18),
        ("not(null)", 1, None),
        ("null", None, 1),
        ("> 18 // a comment", 19, 18),
    ],
)
def test_unary_tests_hold_as_in_feel(
    vocabulary: Vocabulary, cell: str, yes: int | None, no: int | None
) -> None:
    found = brought(definitions(AGE, table("T", ["Applicant Age"], [[cell, '"hit"']])), vocabulary)
    assert found.complete, found.remarks
    assert outcome(found, vocabulary, {"Applicant Age": yes}) == [("T", "hit")]
    assert outcome(found, vocabulary, {"Applicant Age": no}) == []


@pytest.mark.parametrize(
    ("cell", "yes", "no"),
    [
        ('matches(?, "^A.*-..$", "i")', "ab-xl", "ab-x"),
        ('matches(?, "B")', "aBc", "abc"),
        ('starts with(?, "GIFT")', "gift-1", "a-gift"),
        ('contains(?, "\\u52a0急")', "请加急", "不急"),
    ],
)
def test_text_functions_are_carried_over(
    vocabulary: Vocabulary, cell: str, yes: str, no: str
) -> None:
    found = brought(
        definitions(given("memo", "string"), table("T", ["memo"], [[cell, "1"]])), vocabulary
    )
    assert found.complete, found.remarks
    assert outcome(found, vocabulary, {"memo": yes}) == [("T", 1)]
    assert outcome(found, vocabulary, {"memo": no}) == []


def test_texts_that_differ_only_in_case_stay_apart(vocabulary: Vocabulary) -> None:
    rules = [['"a"', "1"], ['"A"', "2"]]
    found = brought(definitions(given("code", "string"), table("T", ["code"], rules)), vocabulary)
    assert outcome(found, vocabulary, {"code": "A"}) == [("T", 2)]
    assert outcome(found, vocabulary, {"code": "a"}) == [("T", 1)]


def test_every_over_an_empty_list_holds_as_in_feel(vocabulary: Vocabulary) -> None:
    tags = '<itemDefinition name="tTags" isCollection="true"><typeRef>string</typeRef></itemDefinition>'
    text = literal("all good", 'every t in tags satisfies t = "good"')
    found = brought(definitions(tags, given("tags", "tTags"), text), vocabulary)
    assert outcome(found, vocabulary, {"tags": []}) == [("all good", True)]
    assert outcome(found, vocabulary, {"tags": ["bad"]}) == [("all good", False)]


def test_parts_of_structures_are_fields_of_their_own(vocabulary: Vocabulary) -> None:
    kind = (
        '<itemDefinition name="tApplicant"><itemComponent name="Monthly"><itemComponent name="Net Income">'
        '<typeRef>number</typeRef></itemComponent></itemComponent><itemComponent name="Status">'
        '<typeRef>string</typeRef><allowedValues><text>"M","S"</text></allowedValues></itemComponent>'
        "</itemDefinition>"
    )
    text = table(
        "T", ["Applicant data.Monthly.Net Income", "Applicant data.Status"], [["> 5", '"M"', "1"]]
    )
    found = brought(definitions(kind, given("Applicant data", "tApplicant"), text), vocabulary)
    assert found.complete
    assert found.names == {
        "Applicant data.Monthly.Net Income": "custom.applicant_data_monthly_net_income",
        "Applicant data.Status": "custom.applicant_data_status",
    }
    assert found.document["fields"]["custom.applicant_data_status"]["values"] == ["M", "S"]


def test_annotations_become_notes_and_descriptions_the_why(vocabulary: Vocabulary) -> None:
    text = table("T", ["n"], [["> 1", "1"]], notes=["from the 2026 review"],
                 before="<description>why we do it</description>")  # fmt: skip
    found = brought(definitions(given("n", "number"), text), vocabulary)
    (made,) = found.document["tables"]
    assert made["rows"][0]["note"] == "from the 2026 review"
    assert made["why"] == "why we do it"


def test_inputs_that_a_tool_never_declared_are_read_all_the_same(vocabulary: Vocabulary) -> None:
    """Some tools write tables whose inputs have no input data."""
    text = (
        '<decision id="d" name="Dish"><decisionTable><input label="Season"><inputExpression typeRef='
        '"string"><text>season</text></inputExpression></input><output name="dish"/><rule><inputEntry>'
        '<text>"Winter"</text></inputEntry><outputEntry><text>"Roastbeef"</text></outputEntry></rule>'
        "</decisionTable></decision>"
    )
    found = brought(definitions(text), vocabulary)
    assert outcome(found, vocabulary, {"season": "Winter"}) == [("dish", "Roastbeef")]


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
        "http://www.omg.org/spec/DMN/20180521/MODEL/",
        DMN,
        "https://www.omg.org/spec/DMN/20211108/MODEL/",
        "https://www.omg.org/spec/DMN/20230324/MODEL/",
    ],
)
def test_every_version_of_dmn_is_read(vocabulary: Vocabulary, namespace: str) -> None:
    found = brought(definitions(RISK, AGE, APPROVAL, namespace=namespace), vocabulary)
    assert (found.accepted, found.complete) == (3, True)


def test_another_expression_language_is_named(vocabulary: Vocabulary) -> None:
    found = brought(definitions(AGE, APPROVAL, expressionLanguage="juel"), vocabulary)
    assert errors(found) == [("Approval Status", 0, "", "interchange.language")]
    assert (found.read, found.accepted) == (3, 0)


# facts and actions


def test_inputs_named_like_facts_are_those_facts(vocabulary: Vocabulary) -> None:
    """By id, by group and title in both languages; a bare title only where its type fits."""
    names = ["order.quantity", "订单.金额", "Recipient Province", "Invoice wanted", "State"]
    kinds = ["number", "number", "string", "boolean", "boolean"]
    rules = [["> 2", "> 100", '"浙江省"', "true", "true", '"x"']]
    text = definitions(*map(given, names, kinds), table("T", names, rules))
    found = brought(text, vocabulary)
    assert found.names == {
        "order.quantity": "order.quantity",
        "订单.金额": "order.total",
        "Recipient Province": "recipient.province",
        "Invoice wanted": "order.invoice_wanted",
        "State": "custom.state",  # order.state is a text
    }
    assert found.document["tables"][0]["rows"][0]["when"][1] == "> 100 CNY"


def test_map_says_what_an_input_is(vocabulary: Vocabulary) -> None:
    targets = {"Applicant Age": "order.quantity", "risk category": "custom.risk:text"}
    found = brought(definitions(RISK, AGE, APPROVAL), vocabulary, targets=targets)
    assert found.names == {"Applicant Age": "order.quantity", "Risk Category": "custom.risk"}


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"gate": "review"}, ("tag", "Approval Status=Approved")),
        ({"gate": "review", "action": "tag"}, ("tag", "Approved")),
        ({"gate": "review", "targets": {"Approval Status": "hold.reason"}}, ("hold", "Approved")),
        ({"gate": "review", "targets": {"Approval Status/Approved": "approve"}}, ("approve", True)),
        (
            {"gate": "routing", "targets": {"Approval Status": "use_service"}},
            ("use_service", "Approved"),
        ),
        ({"gate": "alert"}, ("raise", "Approval Status=Approved")),
    ],
)
def test_outputs_go_to_the_action_that_fits_or_is_named(
    vocabulary: Vocabulary, options: dict[str, Any], wanted: tuple[str, object]
) -> None:
    found = brought(definitions(RISK, AGE, APPROVAL), vocabulary, **options)
    assert found.complete
    assert outcome(found, vocabulary, {"Applicant Age": 18, "Risk Category": "Low"}) == [wanted]


def test_single_values_of_a_chained_decision_become_actions_too(vocabulary: Vocabulary) -> None:
    text = table(
        "verdict", ["n"], [["> 5", '"yes"'], ["<= 5", '"no"']], "UNIQUE", default='"maybe"'
    )
    targets = {"verdict/yes": "approve", "verdict/no": "reject"}
    found = brought(
        definitions(given("n", "number"), text), vocabulary, gate="review", targets=targets
    )
    assert outcome(found, vocabulary, {"n": 6}) == [("approve", True)]
    assert outcome(found, vocabulary, {"n": 5}) == [("reject", "no")]
    assert outcome(found, vocabulary, {}) == [("tag", "verdict=maybe")]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"gate": "revue"}, "interchange.unknown_gate"),
        ({"action": "approve"}, "interchange.unknown_action"),
        ({"targets": {"Applicant Age": "order.age"}}, "interchange.unknown_action"),
        ({"targets": {"Applicant Age": "parcel.units"}}, "interchange.unknown_fact"),
        ({"targets": {"Applicant Age": "custom.age:years"}}, "interchange.unknown_fact"),
        ({"gate": "tracking"}, "interchange.no_action"),
    ],
)
def test_options_that_name_what_does_not_exist_are_refused(
    vocabulary: Vocabulary, options: dict[str, Any], code: str
) -> None:
    with pytest.raises(InputError) as caught:
        brought(definitions(AGE, RISK, APPROVAL), vocabulary, **options)
    assert caught.value.code == code


def test_a_name_that_only_map_knows_is_remarked(vocabulary: Vocabulary) -> None:
    found = brought(definitions(RISK, AGE, APPROVAL), vocabulary, targets={"Agee": "custom.age"})
    assert warnings(found) == ["interchange.unused_map"]


def test_what_is_no_dmn_is_said(vocabulary: Vocabulary) -> None:
    for text, code in (
        ("<bpmn/>", "interchange.not_dmn"),
        (definitions(AGE), "interchange.no_decision"),
        ("<definitions", "interchange.xml_invalid"),
    ):
        with pytest.raises(InputError) as caught:
            brought(text, vocabulary)
        assert caught.value.code == code
