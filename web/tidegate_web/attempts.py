"""Trying an act a person asked for: what went wrong is shown on the form it came from, with what was typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made

from flask import request

from tidegate.errors import InputError, NotFound, TidegateError
from tidegate_web.language import catalogue, lang, t
from tidegate_web.problems import status_of


@dataclass(frozen=True, slots=True)
class Problem:
    """What was wrong with `form`, and every field as it was typed."""

    form: str
    status: int
    code: str
    message: str
    field: str = ""
    typed: Mapping[str, str] = made(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item of a batch."""

    name: str
    done: bool
    message: str
    code: str = ""


def attempt(
    form: str, act: Callable[[], object], typed: Mapping[str, str] | None = None
) -> Problem | None:
    """None when it was done. A missing thing is a page of its own, so NotFound passes through.

    `typed` is what was typed, where it does not come with the form.
    """
    try:
        act()
    except NotFound:
        raise
    except TidegateError as error:
        return Problem(
            form=form,
            status=max(status_of(error), 400),
            code=error.code,
            message=error.text(lang()),
            field=str(error.fields.get("field", "")),
            typed={
                name: value
                for name, value in (request.form if typed is None else typed).items()
                if name != "csrf_token"
            },
        )
    return None


def attempt_each(items: Sequence[tuple[str, Callable[[], object]]], done: str) -> list[Result]:
    """Each item for itself: one that fails does not stop the others."""
    results = []
    for name, act in items:
        try:
            act()
            results.append(Result(name, True, done))
        except TidegateError as error:
            results.append(Result(name, False, error.text(lang()), error.code))
    return results


def given_reason() -> str:
    """The reason as code and words: `called_back: spoke to the buyer`. Either may stand alone.

    Raises:
        InputError: neither was given.
    """
    code = request.form.get("reason_code", "").strip()
    note = request.form.get("reason", "").strip()
    reason = f"{code}: {note}" if code and note else code or note
    if not reason:
        raise InputError(
            "web.reason_missing",
            zh="请选择或填写理由, 理由会记入订单时间线。",
            en="Choose or write a reason; it is kept on the order's time line.",
            field="reason",
        )
    return reason


def chosen_ids(name: str) -> list[int]:
    """Ids ticked on a form.

    Raises:
        InputError: nothing was ticked.
    """
    found = [int(value) for value in request.form.getlist(name) if value.isdigit()]
    if not found:
        raise InputError(
            "web.nothing_chosen",
            zh="还没有勾选; 请先勾选要处理的行。",
            en="Nothing is ticked; tick the rows to work on first.",
            field=name,
        )
    return found


def reason_words(reason: str) -> str:
    """A kept reason for people: its code in words, then the note."""
    code, colon, note = reason.partition(": ")
    key = f"reasons.{code}"
    if key not in catalogue():
        return reason
    return f"{t(key)}{'：' if lang() == 'zh' else ': '}{note}" if colon else t(key)
