"""Processor time, its median and spread, and tables that a person can read."""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

ROUNDS = 5
BATCH = 50  # inputs made at once


@dataclass(frozen=True)
class Figure:
    """Seconds of processor time for one call: the median of the rounds, the fastest and the slowest."""

    median: float
    low: float
    high: float

    @property
    def per_second(self) -> float:
        return 1 / self.median

    @property
    def spread(self) -> str:
        """How far the rounds lie from the median, in per cent."""
        return f"{100 * (self.low / self.median - 1):+.0f}/{100 * (self.high / self.median - 1):+.0f} %"


def figure(seconds: Sequence[float]) -> Figure:
    return Figure(statistics.median(seconds), min(seconds), max(seconds))


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds of processor time of this process, what came)."""
    began = time.process_time()
    result = act()
    return time.process_time() - began, result


def once_each(call: Callable[[Any], object], inputs: Iterable[Any]) -> float:
    """Seconds of processor time for a call with each input."""
    began = time.process_time()
    for one in inputs:
        call(one)
    return time.process_time() - began


def repeated(act: Callable[[], object], rounds: int = ROUNDS) -> Figure:
    """One and the same call, after one that isn't counted; what it leaves is collected between the rounds."""
    act()
    took = []
    for _ in range(rounds):
        gc.collect()
        took.append(timed(act)[0])
    return figure(took)


def in_slices(
    call: Callable[[Any], object],
    ready: Callable[[int, int], Sequence[Any]],
    available: int,
    seconds: float,
    rounds: int = ROUNDS,
    batch: int = BATCH,
) -> Figure:
    """Rounds of about `seconds` each, every round over inputs that no round before it has seen; `ready(first, last)`
    makes some of those `available`. A batch is made just before it is judged, as the product does with facts; with
    a batch of 0 all of a round are made first, so that each has left the processor's cache again. Making isn't timed.
    What is there before is not looked at by the collector."""
    few = ready(0, 20)
    count = max(int(seconds * len(few) / max(once_each(call, few), 1e-9)), 4)
    count = min(count, available // rounds)
    step = batch or count
    gc.collect()
    gc.freeze()
    took = []
    for start in range(0, count * rounds, count):
        parts = range(start, start + count, step)
        ends = [min(first + step, start + count) for first in parts]
        spent = [once_each(call, ready(*ends_of)) for ends_of in zip(parts, ends, strict=True)]
        took.append(sum(spent) / count)
    return figure(took)


def latency(call: Callable[[Any], object], inputs: Iterable[Any]) -> tuple[float, float]:
    """p50 and p99 on the wall, in microseconds."""
    took = []
    for one in inputs:
        began = time.perf_counter_ns()
        call(one)
        took.append((time.perf_counter_ns() - began) / 1_000)
    took.sort()
    return took[len(took) // 2], took[min(len(took) * 99 // 100, len(took) - 1)]


def rss_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def peak_rss_mb() -> float:
    """The most this process ever held; what it holds now where the system doesn't say."""
    try:
        import resource
    except ImportError:
        return rss_mb()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def installed(package: str) -> str:
    """The version, or nothing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def heading(what: str, seed: int) -> None:
    print(
        f"{what}\nseed {seed}; {platform.python_implementation()} {platform.python_version()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; processor time, median of {ROUNDS} where not said\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """First column to the left, the others to the right. Chinese text counts double."""
    lines = [list(head), *map(list, rows)]
    widths = [max(map(wide, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        cells = [f"{cell}{' ' * (widths[0] - wide(cell))}" for cell in line[:1]]
        cells += [f"{' ' * (w - wide(c))}{c}" for c, w in zip(line[1:], widths[1:], strict=True)]
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    print()


def wide(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def judged(ratio: float, wanted: float, *, most: bool = False, quick: bool = False) -> str:
    """`held` or `missed`; with `most`, the ratio may be at most what is wanted. A quick run judges nothing."""
    if quick:
        return ""
    return "held" if (ratio <= wanted if most else ratio >= wanted) else "MISSED"


def options(about: str) -> argparse.Namespace:
    """--quick: a smoke run of seconds whose figures mean little. --self-check: only that answers are right, and no
    peer is needed."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--quick", action="store_true", help="small sizes; the figures mean little")
    parser.add_argument("--self-check", action="store_true", help="check answers, without peers")
    return parser.parse_args()


def self_check(compared: int, wrong: int) -> int:
    """The closing line and the exit code."""
    print(f"self-check: {compared} compared, {wrong} wrong")
    return 1 if wrong or not compared else 0
