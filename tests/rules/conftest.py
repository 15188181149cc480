"""The shipped packs as read, with their cases, and a copy of the folder to edit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tidegate.services.rule_files import FilePack, read_packs
from tidegate.services.rulebook import shipped_rules


@pytest.fixture(scope="session")
def packs() -> dict[str, FilePack]:
    found = {
        one.file.relative_to(shipped_rules()).as_posix(): one
        for one in read_packs([shipped_rules()])
    }
    assert len(found) == 6
    return found


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the rules folder that a test may edit."""
    folder = tmp_path / "rules"
    shutil.copytree(shipped_rules(), folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return folder


@pytest.fixture
def edit(copied: Path) -> Callable[[str, str, str], Path]:
    """Replace one piece of text, that must stand there exactly once, in a copied file."""

    def replace(name: str, old: str, new: str) -> Path:
        file = copied / name
        text = file.read_text("utf-8")
        assert text.count(old) == 1, (name, old, text.count(old))
        file.write_text(text.replace(old, new), "utf-8")
        return file

    return replace
