"""Rule packs as files on disk: found under paths, read with the vocabulary that belongs to them.

Problems are kept per file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tidegate.engine.cases import SUFFIX, Pack, discover, load_pack
from tidegate.engine.problems import Problem, RuleProblems
from tidegate.engine.rulesets import Case, RuleSet
from tidegate.engine.vocabulary import Vocabulary, load_vocabulary
from tidegate.errors import NotFound
from tidegate.services.rulebook import VOCABULARY, shipped_rules

PARENTS_TRIED = 4  # how far above a pack its own vocabulary may stand
_GATE = re.compile(rb"^gate\s*:", re.M)


@dataclass(frozen=True, slots=True)
class FilePack:
    """A pack as read: the set with its cases, or what is wrong. `file` is the path as given."""

    file: Path
    tests: Path | None
    ruleset: RuleSet | None
    cases: tuple[Case, ...]
    problems: tuple[Problem, ...]
    problem_file: Path


def read_packs(paths: Sequence[Path], vocabulary: Path | None = None) -> list[FilePack]:
    """Every pack under `paths`; a broken one brings its problems and doesn't stop the others.

    Raises:
        NotFound: a path doesn't exist.
        ConfigError: a vocabulary is wrong.
    """
    for path in paths:
        if not path.exists():
            raise _nowhere(path)
    known: dict[Path, Vocabulary] = {}
    found = []
    for pack in discover(paths):
        source = vocabulary or vocabulary_of(pack.ruleset)
        if source not in known:
            known[source] = load_vocabulary(source)
        found.append(_read(pack, known[source]))
    return [*found, *_strays(paths, {one.file for one in found})]


def vocabulary_of(path: Path) -> Path:
    """The `vocabulary.yaml` beside or above a pack, else the one that ships with Tidegate."""
    folder = path.absolute() if path.is_dir() else path.absolute().parent
    for place in [folder, *folder.parents][:PARENTS_TRIED]:
        if (place / VOCABULARY).is_file():
            return place / VOCABULARY
    return shipped_rules() / VOCABULARY


def find_pack(name: str) -> Path:
    """A path as it is, or the shipped pack whose rule set, gate or file has this name.

    Raises:
        NotFound: neither.
    """
    path = Path(name)
    if path.exists():
        return path
    shipped = [pack.ruleset for pack in discover(shipped_rules())]
    for file in shipped:
        declared = re.findall(r"^(?:id|gate):\s*(\S+)", file.read_text("utf-8"), re.M)
        if name in (file.stem, file.parent.name, *declared):
            return file
    raise _nowhere(path, ", ".join(file.stem for file in shipped))


def _read(pack: Pack, vocabulary: Vocabulary) -> FilePack:
    try:
        ruleset, cases = load_pack(pack, vocabulary)
    except RuleProblems as error:
        at_tests = pack.tests is not None and error.fields["document"] == pack.tests.name
        wrong = pack.tests if at_tests and pack.tests else pack.ruleset
        return FilePack(pack.ruleset, pack.tests, None, (), tuple(error.problems), wrong)
    return FilePack(pack.ruleset, pack.tests, ruleset, cases, (), pack.ruleset)


def _strays(paths: Sequence[Path], read: set[Path]) -> Iterator[FilePack]:
    """Files that look like rules or cases and that nothing would ever load."""
    folders = [path for path in paths if path.is_dir()]
    for file in sorted({file for folder in folders for file in folder.rglob("*.yaml")} - read):
        owner = file.with_name(file.name.removesuffix(SUFFIX) + ".yaml")
        if file.name.endswith(SUFFIX):
            if owner not in read:
                yield _stray(
                    file,
                    "rules.cases_without_pack",
                    f"用例文件旁边没有规则集 {owner.name}；改名或删除",
                    f"there is no rule set {owner.name} beside these cases; rename or remove them",
                )
        elif _GATE.search(file.read_bytes()[:20_000]):
            yield _stray(
                file,
                "rule.not_a_ruleset",
                "有 gate 却没有首行 tidegate: ruleset/1，不会被加载",
                "it has a gate but doesn't begin with tidegate: ruleset/1, so it is never loaded",
            )


def _stray(file: Path, code: str, zh: str, en: str) -> FilePack:
    return FilePack(file, None, None, (), (Problem(code, zh, en, line=1, column=1),), file)


def _nowhere(path: Path, known: str = "") -> NotFound:
    tip_zh, tip_en = (f"；自带的规则集：{known}", f"; shipped sets: {known}") if known else ("", "")
    return NotFound(
        "rules.no_such_file",
        zh=f"没有文件或文件夹 {path}；检查路径{tip_zh}。",
        en=f"There is no file or folder {path}; check the path{tip_en}.",
        path=path,
    )
