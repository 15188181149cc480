"""A simulation over a file of fact documents, in chunks over processes.

Chunks are read, judged and compared where they are; only tallies come back. Memory is bounded by the
chunks under way, whatever the size of the file.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from multiprocessing.context import BaseContext
from typing import Any, NoReturn

from tidegate.engine.compiled import Program, compile_set
from tidegate.engine.reader import read_ruleset
from tidegate.engine.simulation import Subject, Tally, judge, reader_of
from tidegate.engine.vocabulary import load_vocabulary
from tidegate.simulation.orphans import end_with_parent

CHUNK = 2_000
SMALL = 4_000  # below this many subjects one process is as fast as several
NAMED = 20  # rejected lines named one by one
Line = tuple[int, bytes]


@dataclass(frozen=True)
class Versions:
    """The two sets, compiled, with what a fresh process needs to make them again."""

    live: Program
    draft: Program
    texts: tuple[str, str]  # of the live set, of the draft
    vocabularies: tuple[str, str]


@dataclass(frozen=True)
class Settings:
    """How subjects are judged. `key` is the fact that names a subject to a person."""

    now: datetime
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"
    keep: int = 20
    key: str = "order.number"


@dataclass
class Seconds:
    """Time spent, added up over processes."""

    reading: float = 0.0
    evaluating: float = 0.0
    comparing: float = 0.0

    def add(self, other: Seconds) -> None:
        self.reading += other.reading
        self.evaluating += other.evaluating
        self.comparing += other.comparing


@dataclass
class Part:
    """What came of some lines; `rejected` are lines that hold no document, the first few with
    their number and the reason.
    """

    tally: Tally
    seconds: Seconds = field(default_factory=Seconds)
    rejected: int = 0
    reasons: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Part) -> None:
        self.tally.add(other.tally)
        self.seconds.add(other.seconds)
        self.rejected += other.rejected
        self.reasons = sorted([*self.reasons, *other.reasons])[:NAMED]


class Cancelled(Exception):
    """The simulation was stopped; nothing of it is kept."""


def run(
    versions: Versions,
    lines: Iterable[Line],
    settings: Settings,
    *,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Part:
    """Judge every line by both versions. `progress` is told the number of lines done so far.

    Raises:
        Cancelled: `cancelled()` said so; asked at least once a chunk.
    """
    chunks = _chunks(lines)
    first = list(islice(chunks, max(1, SMALL // CHUNK)))
    wanted = workers or os.cpu_count() or 1
    whole = Part(Tally(settings.keep))
    done = 0
    parts: Iterator[Part]
    if wanted == 1 or len(first) < max(1, SMALL // CHUNK):
        parts = (part_of(versions, chunk, settings) for chunk in _and_then(first, chunks))
    else:
        parts = _spread(versions, _and_then(first, chunks), settings, wanted, cancelled)
    for part in parts:
        whole.add(part)
        done += part.tally.subjects + part.rejected
        progress(done)
        if cancelled():
            raise Cancelled
    return whole


def part_of(versions: Versions, lines: Sequence[Line], settings: Settings) -> Part:
    """One chunk, here: read all, judge all, compare all, so that each can be timed."""
    part = Part(Tally(settings.keep))
    clock = time.perf_counter
    start = clock()
    read = reader_of(versions.live.ruleset, versions.draft.ruleset, settings.currency)
    subjects: list[tuple[str, Mapping[str, Any]]] = []
    for number, raw in lines:
        document, reason = _document(raw)
        if document is None:
            part.rejected += 1
            part.reasons = [*part.reasons, (number, reason)][:NAMED]
            continue
        subjects.append((_key(document, settings.key) or str(number), read(document)))
    middle = clock()
    now, zone, currency = settings.now, settings.timezone, settings.currency
    before = [judge(versions.live, facts, now, zone, currency) for _, facts in subjects]
    after = [judge(versions.draft, facts, now, zone, currency) for _, facts in subjects]
    end = clock()
    for (key, _), one, other in zip(subjects, before, after, strict=True):
        part.tally.see(key, one, other)
    part.seconds = Seconds(middle - start, end - middle, clock() - end)
    return part


def subjects_of(lines: Iterable[Line], settings: Settings, part: Part) -> Iterator[Subject]:
    """The readable lines as subjects, one by one; the others are counted in `part`."""
    for number, raw in lines:
        document, reason = _document(raw)
        if document is None:
            part.rejected += 1
            part.reasons = [*part.reasons, (number, reason)][:NAMED]
        else:
            yield Subject(_key(document, settings.key) or str(number), document, settings.now)


def _key(document: Mapping[str, Any], name: str) -> str:
    group, _, field_name = name.partition(".")
    held = document.get(group)
    found = held.get(field_name) if isinstance(held, Mapping) else None
    return str(found) if found is not None else ""


def _document(raw: bytes) -> tuple[dict[str, Any] | None, str]:
    try:
        document = json.loads(raw, parse_float=Decimal, parse_constant=_not_a_number)
    except json.JSONDecodeError as error:
        return None, f"{error.msg}, character {error.colno}"
    except (ValueError, RecursionError) as error:
        return None, "nested too deeply" if isinstance(error, RecursionError) else str(error)[:120]
    if not isinstance(document, dict):
        return None, "not an object"
    return document, ""


def _not_a_number(word: str) -> NoReturn:
    raise ValueError(f"{word} isn't a number")


def _chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    rest = iter(lines)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _and_then(first: list[list[Line]], rest: Iterator[list[Line]]) -> Iterator[list[Line]]:
    yield from first
    yield from rest


# other processes

_here: Versions | None = None


def _spread(
    versions: Versions,
    chunks: Iterator[list[Line]],
    settings: Settings,
    workers: int,
    cancelled: Callable[[], bool],
) -> Iterator[Part]:
    """Parts as they are done; at most two chunks a worker are under way."""
    global _here
    context, start, given = _way(versions)
    _here = versions  # what a forked worker finds
    pool = ProcessPoolExecutor(workers, context, start, given)
    waiting: set[Future[Part]] = set()
    try:
        for chunk in chunks:
            waiting.add(pool.submit(_part_there, chunk, settings))
            if len(waiting) >= 2 * workers:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
            if cancelled():
                raise Cancelled
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        _here = None
        pool.shutdown(wait=True, cancel_futures=True)


def _way(versions: Versions) -> tuple[BaseContext, Callable[..., None] | None, tuple[Any, ...]]:
    """Fork where that is safe (one thread): workers find the programs made. Else start afresh."""
    if threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("fork"), None, ()
    given = (versions.texts, versions.vocabularies)
    return multiprocessing.get_context("spawn"), _make_there, given


def versions_of(texts: tuple[str, str], vocabularies: tuple[str, str]) -> Versions:
    """Live and draft from the texts of their files. Raises RuleProblems, ConfigError."""
    read = {text: load_vocabulary(text + "\n") for text in dict.fromkeys(vocabularies)}
    live, draft = (
        compile_set(read_ruleset(text + "\n", read[vocabulary]))
        for text, vocabulary in zip(texts, vocabularies, strict=True)
    )
    return Versions(live, draft, texts, vocabularies)


def _make_there(texts: tuple[str, str], vocabularies: tuple[str, str]) -> None:
    global _here
    end_with_parent()
    _here = versions_of(texts, vocabularies)


def _part_there(chunk: list[Line], settings: Settings) -> Part:
    assert _here is not None  # noqa: S101  set before the worker began
    return part_of(_here, chunk, settings)
