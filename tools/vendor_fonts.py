"""Fetch and check the two fonts that are embedded in labels and lists.

    python tools/vendor_fonts.py fetch     # needs the network, npm and 300 MB of temporary space
    python tools/vendor_fonts.py check     # standard library only; part of the tests

`fetch` takes static TrueType files of Noto Sans SC (OFL-1.1) from a pinned npm package, checks the
package against the integrity written below, and subsets them with a pinned fonttools in a
throw-away virtual environment: fonttools is a tool of this step only, not a dependency of Tidegate.
ReportLab embeds TrueType outlines and refuses CFF (`.otf`), which is why the package of a
JavaScript project is the source.

Regular covers GBK (names use characters outside GB2312: 喆 堃 镕), Bold covers GB2312; text set in
Bold falls back to Regular for the rest. Layout tables and hinting are dropped: ReportLab reads
neither.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path

FONTS = Path(__file__).resolve().parents[1] / "platform/tidegate/documents/fonts"
LOCK = FONTS / "fonts.lock.json"
PACKAGE = "@expo-google-fonts/noto-sans-sc@0.4.3"
INTEGRITY = (  # what `npm view PACKAGE dist.integrity` says
    "sha512-9rAwdFTFHbO/u6Cs0gj2jZbW74TGIiaFNQnXYH2s"
    "5wA1bzVkwbaviL4t8YUV642eGYjg86eH6DkAEQmfNHDncQ=="
)
FONTTOOLS = "fonttools==4.60.1"
LICENCE_MEMBER = "LICENSE_FONT"
SOURCES = {
    "NotoSansSC-Regular.ttf": ("400Regular/NotoSansSC_400Regular.ttf", "gbk"),
    "NotoSansSC-Bold.ttf": ("700Bold/NotoSansSC_700Bold.ttf", "gb2312"),
}
# Latin to Extended-B, Greek, Cyrillic, Latin Extended Additional, punctuation, currency,
# letter-like, arrows, mathematics, enclosed, boxes and shapes, CJK punctuation, full-width forms.
# What the font lacks is left out.
ALSO = (
    (0x20, 0x7E),
    (0xA0, 0x24F),
    (0x370, 0x45F),
    (0x1E00, 0x1EFF),
    (0x2010, 0x205E),
    (0x20A0, 0x20BF),
    (0x2100, 0x23FF),
    (0x2460, 0x26FF),
    (0x3000, 0x30FF),
    (0xFF00, 0xFFEF),
)


def code_points(codec: str) -> Iterator[int]:
    """Every character a two-byte Chinese encoding can carry, with the ranges of `ALSO`."""
    for first, last in ALSO:
        yield from range(first, last + 1)
    for lead in range(0x81, 0xFF):
        for trail in range(0x40, 0xFF):
            try:
                text = bytes((lead, trail)).decode(codec)
            except UnicodeDecodeError:
                continue
            yield from (ord(char) for char in text if unicodedata.category(char) != "Co")


def as_ranges(points: Iterable[int]) -> str:
    """Code points in the notation of the subsetter: `4E00,4E02-4E05`."""
    spans: list[list[int]] = []
    for point in sorted(set(points)):
        if spans and point == spans[-1][1] + 1:
            spans[-1][1] = point
        else:
            spans.append([point, point])
    return ",".join(f"{first:X}-{last:X}" for first, last in spans)


def fetch() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package = download(folder)
        python = make_environment(folder)
        FONTS.mkdir(parents=True, exist_ok=True)
        for target, (member, codec) in SOURCES.items():
            subset(python, package / member, FONTS / target, as_ranges(code_points(codec)))
        (FONTS / "OFL.txt").write_bytes((package / LICENCE_MEMBER).read_bytes())
    lock = {
        "package": PACKAGE,
        "integrity": INTEGRITY,
        "licence": "OFL-1.1",
        "subset_with": FONTTOOLS,
        "files": {name: describe(FONTS / name) for name in (*sorted(SOURCES), "OFL.txt")},
    }
    LOCK.write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


def download(folder: Path) -> Path:
    answer = subprocess.run(
        ["npm", "pack", PACKAGE, "--json", "--pack-destination", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    archive = folder / json.loads(answer.stdout)[0]["filename"]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        sys.exit(f"{PACKAGE} is not the package this tool was written for: sha512-{digest}")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


def make_environment(folder: Path) -> Path:
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", FONTTOOLS], check=True)
    return python


def subset(python: Path, source: Path, target: Path, ranges: str) -> None:
    options = [
        f"--unicodes={ranges}",
        "--layout-features=",
        "--no-hinting",
        "--notdef-outline",
        "--name-IDs=*",
        "--drop-tables+=GSUB,GPOS,GDEF,BASE,vhea,vmtx,VORG,DSIG,STAT",
    ]
    module = [str(python), "-m", "fontTools.subset", str(source), f"--output-file={target}"]
    subprocess.run([*module, *options], check=True)


def describe(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def check() -> list[str]:
    """What differs between the lock and the folder, one sentence per file."""
    locked = json.loads(LOCK.read_text(encoding="utf-8"))["files"]
    present = {path.name for path in FONTS.iterdir() if path.name != LOCK.name}
    wrong = [f"{name} is not in {LOCK.name}" for name in sorted(present - set(locked))]
    for name, expected in locked.items():
        if name not in present:
            wrong.append(f"{name} is missing")
        elif describe(FONTS / name) != expected:
            wrong.append(f"{name} was changed")
    if not locked:
        wrong.append(f"{LOCK.name} lists no file")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("action", choices=("fetch", "check"))
    if parser.parse_args().action == "fetch":
        fetch()
    problems = check()
    print("\n".join(problems) or f"fonts match {LOCK.name}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
