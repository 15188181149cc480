"""The vendored fonts: unchanged, complete for names, and licensed."""

from __future__ import annotations

import importlib.util
import random
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest

from tidegate.documents.fonts import bold, regular
from tidegate.documents.text import Step, fit, shorten, wrap

ROOT = Path(__file__).parents[2]


@pytest.fixture
def vendor_fonts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vendor_fonts", ROOT / "tools/vendor_fonts.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_fonts_match_their_lock(vendor_fonts: ModuleType) -> None:
    assert vendor_fonts.check() == []


def test_a_changed_missing_or_stray_file_is_found(
    vendor_fonts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OFL.txt", "fonts.lock.json", "NotoSansSC-Bold.ttf"):
        (tmp_path / name).write_bytes((vendor_fonts.FONTS / name).read_bytes())
    (tmp_path / "OFL.txt").write_text("mine", "utf-8")
    (tmp_path / "stray.ttf").touch()
    monkeypatch.setattr(vendor_fonts, "FONTS", tmp_path)
    monkeypatch.setattr(vendor_fonts, "LOCK", tmp_path / "fonts.lock.json")
    assert vendor_fonts.check() == [
        "stray.ttf is not in fonts.lock.json",
        "NotoSansSC-Regular.ttf is missing",
        "OFL.txt was changed",
    ]


def test_the_licence_travels_with_the_fonts() -> None:
    licence = (files("tidegate.documents") / "fonts" / "OFL.txt").read_text("utf-8")
    assert "SIL Open Font License, Version 1.1" in licence


def test_every_gbk_ideograph_prints() -> None:
    """GBK/2, GBK/3 and GBK/4 have 21,003 ideographs; the few for private use have no code here."""
    characters = set()
    for lead in range(0x81, 0xFF):
        for trail in range(0x40, 0xFF):
            characters.update(bytes((lead, trail)).decode("gbk", "ignore"))
    ideographs = {char for char in characters if "\u4e00" <= char <= "\u9fff"}
    assert len(ideographs) > 20_800
    assert ideographs - regular().covered == set()
    assert bold().covered == regular().covered


def test_bold_steps_aside_only_for_what_it_lacks() -> None:
    runs = [(face.name, text) for face, text in bold().runs("王堃敏")]
    assert runs == [("TidegateBold", "王"), ("TidegateRegular", "堃"), ("TidegateBold", "敏")]


def test_wrapping_keeps_every_character_and_the_width() -> None:
    seed = 7
    source = random.Random(seed)
    advances = regular().advances
    for _ in range(300):
        text = "".join(source.choices("杭州市路，。（）12号abc-", k=source.randrange(1, 80)))
        room = source.uniform(3000, 20000)
        lines = wrap(text, advances, room)
        assert "".join(lines) == text, f"seed {seed}"
        widest = max(sum(advances[char] for char in line) for line in lines)
        assert widest <= room, f"seed {seed}"


def test_lines_break_where_a_reader_expects_it() -> None:
    """Six characters to a line: a number keeps its 号, no line starts with a comma."""
    advances = regular().advances
    assert wrap("文一西路东12号楼", advances, 6000) == ("文一西路东", "12号楼")
    assert wrap("浙江杭州余杭，仓前", advances, 6000) == ("浙江杭州余", "杭，仓前")


def test_fitting_shrinks_before_it_gives_up() -> None:
    """Ten characters at 10 points are 100 points wide."""
    text, steps = "一二三四五六七八九十", (Step(10), Step(8))
    chosen = [fit(text, regular(), width, steps) for width in (100, 99, 80, 79)]
    assert [found and found.size for found in chosen] == [10, 8, 8, None]


def test_shortening_shows() -> None:
    assert shorten("一二三四五", regular(), 50, 10) == "一二三四五"
    assert shorten("一二三四五", regular(), 49, 10) == "一二三…"
