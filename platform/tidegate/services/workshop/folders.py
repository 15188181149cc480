"""Sets as files of a folder, for a git repository: out as they decide, in as drafts.

The text is canonical, so a file changes only where rules do.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tidegate.engine.writing import write
from tidegate.errors import Conflict, InputError, TidegateError
from tidegate.services.context import Context
from tidegate.services.workshop import drafts
from tidegate.services.workshop.live_sets import live_set, unknown_set
from tidegate.services.workshop.model import Draft

WRITTEN, SAME = "written", "same"
DRAFTED, REFUSED = "drafted", "refused"
SUFFIXES = (".yaml", ".yml")
MARK = "tidegate: ruleset/"


@dataclass(frozen=True, slots=True)
class FileDone:
    """What became of one file. `version` is the draft's, 0 where there is none; `error` says why not."""

    path: Path
    set_id: str
    done: str
    version: int = 0
    error: TidegateError | None = None


def write_folder(context: Context, folder: Path, which: Sequence[str] = ()) -> list[FileDone]:
    """Every set in force, or those of `which`, as `<set>.yaml`. Files of other sets are left alone.

    Raises:
        NotFound: one of `which` is not in force.
    """
    names = which or [one.id for one in context.rules.all()]
    texts = {name: _text(context, name) for name in names}
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder / f"{name}.yaml", name, text) for name, text in texts.items()]


def read_files(
    context: Context, paths: Iterable[Path], actor: str, *, over: bool = False
) -> list[FileDone]:
    """Each file into the draft of its set; one that says what decides already changes nothing.

    A draft that somebody else is writing is not replaced unless `over`. One broken file does not stop the others.

    Raises:
        InputError: there is no rule set at `paths`.
    """
    files = [file for path in paths for file in _files(path)]
    if not files:
        raise InputError(
            "rules.no_files",
            zh="这里没有规则集文件；规则集文件以 tidegate: ruleset/1 开头，后缀为 .yaml 或 .yml。",
            en="There is no rule set here; its file begins with tidegate: ruleset/1 and ends in .yaml or .yml.",
        )
    return [_read(context, file, actor, over) for file in files]


def _text(context: Context, set_id: str) -> str:
    found = live_set(context, set_id)
    if found is None:
        raise unknown_set(set_id)
    return write(found)


def _write(path: Path, set_id: str, text: str) -> FileDone:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return FileDone(path, set_id, SAME)
    beside = path.with_suffix(".part")  # a crash leaves the old file whole
    beside.write_text(text, encoding="utf-8", newline="\n")
    os.replace(beside, path)
    return FileDone(path, set_id, WRITTEN)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = (file for file in sorted(path.rglob("*")) if file.suffix in SUFFIXES)
    return [file for file in found if MARK in file.read_text(encoding="utf-8", errors="replace")]


def _read(context: Context, path: Path, actor: str, over: bool) -> FileDone:
    set_id = ""
    try:
        text = _content(path)
        ruleset = drafts.read_text(context, text)
        set_id = ruleset.id
        live, draft = live_set(context, set_id), drafts.draft_of(context, set_id)
        if draft is None and live is not None and write(live) == write(ruleset):
            return FileDone(path, set_id, SAME)
        if draft is not None and draft.text == write(ruleset):
            return FileDone(path, set_id, SAME, draft.version)
        if draft is not None and draft.changed_by != actor and not over:
            raise _written_by_another(draft)
        made = drafts.import_text(context, text, actor, draft.version if draft else None)
        return FileDone(path, set_id, DRAFTED, made.version)
    except TidegateError as error:
        return FileDone(path, set_id, REFUSED, error=error)


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "rules.file_unreadable",
            zh=f"读不了 {path.name}：文件要存在、可读、UTF-8 编码。",
            en=f"{path.name} can't be read: it must exist, be readable and in UTF-8.",
            path=path.name,
        ) from error


def _written_by_another(draft: Draft) -> Conflict:
    who = draft.changed_by
    return Conflict(
        "rules.draft_of_another",
        zh=f"{who} 正在改 {draft.set_id} 的草稿（第 {draft.version} 次保存）；先发布或丢弃它，或用 --over 替换。",
        en=f"{who} is writing a draft of {draft.set_id} (save {draft.version}); publish or discard it first, "
        "or replace it with --over.",
        set=draft.set_id,
    )
