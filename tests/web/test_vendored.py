"""Vendored files are exactly what the lock says, in both directions, and pages use the lock."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from tidegate_web.assets import integrity

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vendor_web", ROOT / "tools" / "vendor_web.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["vendor_web"] = module
    spec.loader.exec_module(module)
    del sys.modules["vendor_web"]
    return module


def test_vendored_files_match_their_locks(tool) -> None:
    for folder in (tool.PAGES, tool.TESTS):
        assert len(tool.present(folder)) >= 3
        assert tool.check(folder) == []


def test_changed_missing_and_unlisted_files_are_noticed(tool, tmp_path) -> None:
    folder = tmp_path / "vendor"
    shutil.copytree(tool.PAGES, folder)
    shutil.copy(tool.lock_path(tool.PAGES), tmp_path)
    assert tool.check(folder) == []
    (folder / "htmx.min.js").write_bytes((folder / "htmx.min.js").read_bytes() + b" ")
    (folder / "idiomorph-ext.min.js").unlink()
    (folder / "extra.js").write_text("1", encoding="utf-8")
    assert sorted(tool.check(folder)) == [
        "extra.js is not in the lock",
        "htmx.min.js was changed",
        "idiomorph-ext.min.js is missing",
    ]


def test_every_package_keeps_its_licence(tool) -> None:
    names = " ".join([*tool.present(tool.PAGES), *tool.present(tool.TESTS)])
    for part in (
        "htmx.LICENSE",
        "idiomorph.LICENSE",
        "tabler.LICENSE",
        "icons/LICENSE",
        "axe.LICENSE",
    ):
        assert part in names


def test_locks_name_no_host(tool) -> None:
    for folder in (tool.PAGES, tool.TESTS):
        assert "://" not in tool.lock_path(folder).read_text(encoding="utf-8")


def test_pages_load_only_files_with_integrity_of_their_lock(shop) -> None:
    html = shop.client().get("/").get_data(as_text=True)
    tags = re.findall(r'<(?:script|link rel="stylesheet")[^>]*>', html)
    assert len(tags) == 10
    for tag in tags:
        path = re.search(r'(?:src|href)="/static/([^?"]+)\?v=\w{10}"', tag)
        assert path, tag
        assert f'integrity="{integrity(path.group(1))}"' in tag
