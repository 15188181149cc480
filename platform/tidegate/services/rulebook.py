"""The rule packs of one folder, loaded once, kept current, replaced only as a whole.

A folder holds `vocabulary.yaml`, `states.yaml` and packs: every other `*.yaml` is a rule set,
`*_test.yaml` its cases. Where the folder has no vocabulary or states of its own, those that ship
with Tidegate count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

import structlog

from tidegate.engine.cases import SUFFIX
from tidegate.engine.problems import RuleProblems
from tidegate.engine.reader import read_ruleset
from tidegate.engine.rulesets import RuleSet
from tidegate.engine.sourced import read_yaml
from tidegate.engine.vocabulary import Vocabulary, load_vocabulary
from tidegate.errors import ConfigError, NotFound, TidegateError

log = structlog.get_logger()
VOCABULARY, STATES = "vocabulary.yaml", "states.yaml"
LOOK_EVERY_S = 1.0
Stamp = Mapping[Path, tuple[int, int, int]]  # modification time in ns, size in bytes, inode


@dataclass(frozen=True, slots=True)
class Publication:
    """A version that is in force now, in place of the set of the folder with the same id."""

    set_id: str
    version_id: int
    hash: str
    mode: str  # live or shadow
    text: str


Published = Callable[[], tuple[Publication, ...]]


def shipped_rules() -> Path:
    """The folder of the packs that ship with Tidegate."""
    return Path(str(files("tidegate_rules")))


def companion(folder: Path, name: str) -> Path:
    """`vocabulary.yaml` or `states.yaml` of a folder, or the shipped one where it has none."""
    own = folder / name
    return own if own.is_file() else shipped_rules() / name


@dataclass(frozen=True, slots=True)
class _Edition:
    """Everything of one reading of the folder; never changed, only replaced."""

    vocabulary: Vocabulary
    states: Mapping[str, Any]
    by_gate: Mapping[str, tuple[RuleSet, ...]]
    contents: Mapping[str, str]  # content hash -> the text of the file
    shadows: Mapping[str, tuple[tuple[int, RuleSet], ...]]  # by gate, with the version's id
    base: Mapping[str, RuleSet]  # the sets of the folder


class Rulebook:
    """What decides at each gate, thread-safe.

    At most once a second a question looks whether a file changed. A folder with an error in it is
    refused whole: the last good edition keeps deciding and `problems` says what is wrong.

    Raises:
        RuleProblems: a pack has an error (only when first read).
        ConfigError: no such folder, no rule set in it, or a wrong vocabulary (only when first
            read).
    """

    def __init__(
        self,
        directory: Path | None = None,
        vocabulary: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        published: Published | None = None,
    ) -> None:
        self._published = published
        self.directory = directory or shipped_rules()
        self._vocabulary = vocabulary
        self._clock = clock
        self._lock = Lock()
        self._problems: tuple[TidegateError, ...] = ()
        self._stamp = self._look()
        self._over = self._publications(())
        self._looked = clock()
        self._edition = self._read(self._stamp, self._over)
        self._contents = dict(self._edition.contents)

    @property
    def vocabulary(self) -> Vocabulary:
        return self._current().vocabulary

    @property
    def states(self) -> Mapping[str, Any]:
        """states.yaml as plain data: `stages`, `order`, `parcel`."""
        return self._current().states

    @property
    def problems(self) -> tuple[TidegateError, ...]:
        """Why the newest files are not in force; empty when they are."""
        self._current()
        return self._problems

    def for_gate(self, gate: str) -> tuple[RuleSet, ...]:
        """The sets that answer at this gate, by id; empty when nothing decides there.

        Raises:
            NotFound: the vocabulary has no such gate.
        """
        edition = self._current()
        if gate not in edition.vocabulary.gates:
            known = ", ".join(edition.vocabulary.gates)
            raise NotFound(
                "rules.unknown_gate",
                zh=f"没有关口 {gate}; 可用: {known}。",
                en=f"There is no gate {gate}; known: {known}.",
                gate=gate,
            )
        return edition.by_gate.get(gate, ())

    def base(self, set_id: str) -> RuleSet | None:
        """The set of the folder, whatever was published over it."""
        return self._current().base.get(set_id)

    def shadows(self, gate: str) -> tuple[tuple[int, RuleSet], ...]:
        """Versions that decide beside the live ones and don't act, with the id of the version."""
        return self._current().shadows.get(gate, ())

    def all(self) -> tuple[RuleSet, ...]:
        """Every set in force, gate by gate."""
        return tuple(found for sets in self._current().by_gate.values() for found in sets)

    def content(self, content_hash: str) -> str:
        """The text of the file behind a hash this process has seen.

        Raises:
            NotFound: no edition read so far had it.
        """
        self._current()
        try:
            return self._contents[content_hash]
        except KeyError:
            raise NotFound(
                "rules.unknown_hash",
                zh=f"没有内容哈希为 {content_hash[:12]} 的规则集。",
                en=f"There is no rule set with the hash {content_hash[:12]}.",
                hash=content_hash,
            ) from None

    def reason_text(self, code: str, lang: str = "zh") -> str:
        """A reason code, alert kind or tag in words; an unknown one as it is."""
        return self._current().vocabulary.reason(code, lang)

    # reading

    def _current(self) -> _Edition:
        with self._lock:
            now = self._clock()
            if now - self._looked >= LOOK_EVERY_S:
                self._looked = now
                self._refresh()
            return self._edition

    def _refresh(self) -> None:
        stamp, over = self._look_again(), self._publications(self._over)
        if stamp is None or (stamp == self._stamp and over == self._over):
            return
        try:
            edition = self._read(stamp, over)
        except TidegateError as error:
            self._problems = (error,)
        else:
            self._edition, self._problems = edition, ()
            self._contents.update(edition.contents)
        self._stamp, self._over = stamp, over

    def look_now(self) -> None:
        """Don't wait for the next look: something was published in this process."""
        with self._lock:
            self._looked = self._clock()
            self._refresh()

    def _publications(self, known: tuple[Publication, ...]) -> tuple[Publication, ...]:
        """What is published now; while the database can't say, what was."""
        if self._published is None:
            return ()
        try:
            return self._published()
        except Exception as error:  # the last good edition keeps deciding
            log.warning("rules.publications_unread", error=type(error).__name__)
            return known

    def _look_again(self) -> Stamp | None:
        """None while a file appears or goes: the next look sees the outcome."""
        try:
            return self._look()
        except OSError:
            return None

    def _look(self) -> Stamp:
        own = [companion(self.directory, VOCABULARY), companion(self.directory, STATES)]
        if self._vocabulary:
            own.append(self._vocabulary)
        found = {}
        for path in {*_yaml_files(self.directory), *own}:
            seen = path.stat()
            found[path] = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        return found

    def _read(self, stamp: Stamp, over: tuple[Publication, ...] = ()) -> _Edition:
        source = self._vocabulary or companion(self.directory, VOCABULARY)
        vocabulary = load_vocabulary(source)
        states = read_yaml(companion(self.directory, STATES).read_text("utf-8-sig"), STATES).data
        packs = sorted(path for path in stamp if _is_pack(path, self.directory, source))
        sets, contents = self._sets(packs, vocabulary)
        base = {one.id: one for one in sets}
        found = dict(base)
        shadows: dict[str, list[tuple[int, RuleSet]]] = {}
        for version in over:
            ruleset = _set(version.text + "\n", vocabulary, version.set_id)
            contents[ruleset.hash] = version.text
            if version.mode == "live":
                found[version.set_id] = ruleset
            else:
                shadows.setdefault(ruleset.gate, []).append((version.version_id, ruleset))
        sets = list(found.values())
        if not sets:
            raise _nothing(self.directory)
        by_gate: dict[str, tuple[RuleSet, ...]] = {}
        for gate in vocabulary.gates:
            here = sorted((one for one in sets if one.gate == gate), key=lambda one: one.id)
            if here:
                by_gate[gate] = tuple(here)
        beside = {gate: tuple(found) for gate, found in shadows.items()}
        return _Edition(vocabulary, states, by_gate, contents, beside, base)

    def _sets(
        self, packs: list[Path], vocabulary: Vocabulary
    ) -> tuple[list[RuleSet], dict[str, str]]:
        sets: dict[str, RuleSet] = {}
        contents: dict[str, str] = {}
        wrong: list[RuleProblems] = []
        for path in packs:
            name = path.relative_to(self.directory).as_posix()
            text = _text(path, name)
            try:
                found = _set(text + "\n", vocabulary, name)
            except RuleProblems as error:
                wrong.append(error)
                continue
            if found.id in sets:
                raise _twice(found.id, sets[found.id].source, name)
            sets[found.id] = found
            contents[found.hash] = text
        if len(wrong) == 1:
            raise wrong[0]
        if wrong:
            names = ", ".join(str(error.fields["document"]) for error in wrong)
            raise RuleProblems(names, [problem for error in wrong for problem in error.problems])
        return list(sets.values()), contents


@lru_cache(maxsize=32)  # a publication changes one set; the others are read already
def _set(text: str, vocabulary: Vocabulary, name: str) -> RuleSet:
    return read_ruleset(text, vocabulary, name=name)


def _yaml_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.yaml") if not path.name.startswith((".", "~", "#"))]


def _is_pack(path: Path, folder: Path, vocabulary: Path) -> bool:
    """Every YAML file of the folder that is neither cases, nor the vocabulary, nor the states."""
    if path == vocabulary or not path.is_relative_to(folder) or path.name.endswith(SUFFIX):
        return False
    return path not in (folder / VOCABULARY, folder / STATES)


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "rules.unreadable",
            zh=f"读不了规则文件 {name}; 检查权限, 并另存为 UTF-8。",
            en=f"The rule file {name} can't be read; check its permissions and save it as UTF-8.",
            file=name,
        ) from error


def _nothing(folder: Path) -> ConfigError:
    return ConfigError(
        "rules.none",
        zh=f"文件夹 {folder} 里没有规则集; 检查 TIDEGATE_RULES_DIR。",
        en=f"The folder {folder} holds no rule set; check TIDEGATE_RULES_DIR.",
        folder=folder,
    )


def _twice(name: str, one: str, other: str) -> ConfigError:
    return ConfigError(
        "rules.same_id",
        zh=f"规则集 id {name} 在 {one} 和 {other} 里各有一个; 改其中一个。",
        en=f"The rule set id {name} is used in {one} and in {other}; change one of them.",
        id=name,
    )
