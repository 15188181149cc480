"""Runs the checks of one connector and makes the card."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection

from tidegate.contract.bench import Bench
from tidegate.contract.canaries import overhearing
from tidegate.contract.card import Card, Line, NotChecked, Verdict, Words, Wrong
from tidegate.contract.registry import Check, all_checks
from tidegate.errors import NotFound, TidegateError


def check_connector(
    name: str, only: Collection[str] = (), listen: Callable[[str], None] = lambda _id: None
) -> Card:
    """The card of an installed connector; `listen` hears the id of each check before it runs.

    Raises:
        NotFound: no such connector or check. ConfigError: its manifest can't be read.
    """
    bench = Bench(name)
    known = all_checks()
    if unknown := sorted(set(only) - {one.id for one in known}):
        raise _no_check(unknown[0], known)
    wanted = [one for one in known if one.concerns(bench.manifest) and (not only or one.id in only)]
    try:
        lines = []
        for one in wanted:
            listen(one.id)
            with overhearing(bench.heard):
                lines.append(_line(bench, one))
        return Card(name, lines)
    finally:
        bench.close()


def _line(bench: Bench, one: Check) -> Line:
    verdict, said = Verdict.PASSED, {}
    try:
        _possible(bench, one)
        one.run(bench)
    except NotChecked as unseen:
        verdict, said = Verdict.NOT_CHECKED, unseen.words
    except Wrong as wrong:
        verdict, said = Verdict.FAILED, wrong.words
    except TidegateError as error:
        bench.heard.note_error(error)
        verdict = Verdict.FAILED
        said = {lang: f"{error.text(lang)} [{error.code}]" for lang in ("zh", "en")}
    except Exception as error:
        bench.heard.note_error(error)
        verdict, said = Verdict.FAILED, _unexpected(error)
    return Line(one.id, dict(one.title), verdict, said)


def _possible(bench: Bench, one: Check) -> None:
    if not one.serves:
        return
    if bench.entry is None:
        raise NotChecked(
            f"没有协议服务器: 请为入口点组 tidegate.protocol_servers 提供 {bench.name}。",
            f"There is no protocol server: offer {bench.name!r} in the entry-point group tidegate.protocol_servers.",
        )
    missing = [face.__name__ for face in one.faces if not isinstance(bench.faces, face)]
    if missing:
        raise NotChecked(
            f"协议服务器缺少 {', '.join(missing)} (tidegate.sdk.stage.protocol)。",
            f"The protocol server lacks {', '.join(missing)} (tidegate.sdk.stage.protocol).",
        )


def _unexpected(error: Exception) -> Words:
    """Type and place; its message may hold anything."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{at.filename}:{at.lineno}"
    return {
        "zh": f"冒出了意外的 {type(error).__name__} ({where}); 连接器只应抛出 tidegate.errors 里的错误。",
        "en": f"An unexpected {type(error).__name__} at {where}; connectors raise errors of tidegate.errors only.",
    }


def _no_check(name: str, known: Collection[Check]) -> NotFound:
    names = ", ".join(sorted(one.id for one in known))
    return NotFound(
        "contract.no_check",
        zh=f"没有名为 {name} 的检查; 有: {names}。",
        en=f"There is no check {name!r}; there are: {names}.",
        check=name,
    )
