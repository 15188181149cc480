"""Figures of several processes of a machine, kept in one folder: a pair of files per process, added up when read.

What a process counted stays when it ends: its files are folded into those of number 0, so that neither a figure falls
nor the folder grows with every worker that was born.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegate.telemetry.meters import FOLDER, meters

FOLDED = 0  # no process has this number
LOCK = "lock"


def figures_folder(data_dir: Path) -> Path:
    """Where the processes of this machine share; machines may share `data_dir`."""
    return data_dir / "figures" / (platform.node() or "machine")


def share_figures(folder: Path) -> None:
    """Let this process and those it starts add up their figures with all others of `folder`. What an earlier start
    left is forgotten, unless somebody else still counts there.

    Raises:
        RuntimeError: a figure was counted already, so it lives in memory.
    """
    if meters.cache_info().currsize and os.environ.get(FOLDER) != str(folder):
        raise RuntimeError("share_figures comes before the first figure")
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[FOLDER] = str(folder)
    with _locked(folder):
        files = list(folder.glob("*.db"))
        if not any(_alive(_pid(file)) for file in files):
            for file in files:
                file.unlink()


def forget_process(pid: int) -> None:
    """A process ended: what it counted stays, its files go."""
    _fold({pid})


def forget_the_dead() -> None:
    """The same for all that ended without a word."""
    if FOLDER in os.environ:
        pids = {_pid(file) for file in Path(os.environ[FOLDER]).glob("*.db")}
        _fold({pid for pid in pids if not _alive(pid)})


def read_shared() -> bytes:
    """The text of all figures of the folder, added up."""
    from prometheus_client import CollectorRegistry, generate_latest, multiprocess  # see meters()

    meters()
    shown = CollectorRegistry()
    multiprocess.MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
    with _locked(Path(os.environ[FOLDER])):
        return generate_latest(shown)


def _fold(pids: set[int]) -> None:
    if FOLDER not in os.environ:
        return
    folder = Path(os.environ[FOLDER])
    with _locked(folder):
        for file in folder.glob("*.db"):
            if _pid(file) in pids - {FOLDED}:
                _add(file, folder / f"{file.name.rpartition('_')[0]}_{FOLDED}.db")
                file.unlink()


def _add(file: Path, into: Path) -> None:
    from prometheus_client.mmap_dict import MmapedDict  # see meters()

    total = MmapedDict(str(into))  # type: ignore[no-untyped-call]
    try:
        for key, value, stamp, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
            before, _ = total.read_value(key)  # type: ignore[no-untyped-call]
            total.write_value(key, before + value, stamp)  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, UnicodeDecodeError):
        return  # killed in the midst of writing a new key: the rest of it is lost
    finally:
        total.close()  # type: ignore[no-untyped-call]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Nobody folds or reads beside us: a figure counted twice, or for a moment not at all, looks like a restart."""
    import fcntl  # processes share on systems that have it

    with (folder / LOCK).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _pid(file: Path) -> int:
    number = file.stem.rpartition("_")[2]
    return int(number) if number.isdigit() else FOLDED


def _alive(pid: int) -> bool:
    if pid == FOLDED:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
