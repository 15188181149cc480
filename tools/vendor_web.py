"""Fetch and check the foreign files of the pages: style sheet, scripts, icons; and of their tests.

    python tools/vendor_web.py fetch     # needs the network and npm
    python tools/vendor_web.py check     # standard library only; part of the tests

`fetch` takes pinned npm packages, checks each against the integrity written below, copies the files
named here with their licences and writes one lock beside each folder. Templates take `integrity`
and `?v=` from the lock of the pages.
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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "web/tidegate_web/static/vendor"
TESTS = ROOT / "tests/web/vendor"
ICONS = [
    "arrow-right",
    "check",
    "chevron-down",
    "chevron-right",
    "circle-help",
    "download",
    "eye",
    "info",
    "languages",
    "lock",
    "menu",
    "minus",
    "package",
    "printer",
    "search",
    "triangle-alert",
    "upload",
    "x",
]


@dataclass(frozen=True)
class Package:
    """`files` maps a path in the package to its name in our folder."""

    spec: str
    licence: str
    integrity: str
    files: Mapping[str, str]
    folder: Path = PAGES


PACKAGES = (
    Package(
        "htmx.org@2.0.11",
        "0BSD",
        "sha512-Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE.txt"},
    ),
    Package(
        "idiomorph@0.8.0",
        "0BSD",
        "sha512-R47JBL+6jHDQvcnbppIUtXXcxi5h6+wuCEEZXnRhUltsgzPFKzThL5PuHppP9ypJuy+7WawcY1TsSBD/iQbMhw==",
        {"dist/idiomorph-ext.min.js": "idiomorph-ext.min.js", "LICENSE": "idiomorph.LICENSE.txt"},
    ),
    Package(
        "@tabler/core@1.6.1",
        "MIT",
        "sha512-lgmR9gcxRp5JlLxcmRi9Rz85JrEvH6Bz71KnlcPVSa97wtwQNjgSs3g3fxwbAlulHyRMghhIV04QUuW3pqDsIg==",
        {
            "dist/css/tabler.min.css": "tabler.min.css"
        },  # its package holds no licence text: see mit_text
    ),
    Package(
        "lucide-static@1.62.0",
        "ISC",
        "sha512-WBZA/m2PvkFpMGHDtsBck5P2A9G4ehLlYu4GwwICcmEm1BvYVgj00lCDxKRWLlbMlOibLaiwdQ88G5pHkSWgwA==",
        {f"icons/{name}.svg": f"icons/{name}.svg" for name in ICONS}
        | {"LICENSE": "icons/LICENSE.txt"},
    ),
    Package(
        "axe-core@4.14.1",
        "MPL-2.0",
        "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        {
            "axe.min.js": "axe.min.js",
            "LICENSE": "axe.LICENSE.txt",
            "LICENSE-3RD-PARTY.txt": "axe.LICENSE-3RD-PARTY.txt",
        },
        TESTS,
    ),
)

MIT = """MIT License

{holders}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software
and associated documentation files (the "Software"), to deal in the Software without
restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING
BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def lock_path(folder: Path) -> Path:
    return folder.parent / "vendor.lock.json"


def fetch() -> None:
    for package in PACKAGES:
        copy_files(package)
    for folder in (PAGES, TESTS):
        packages = [package for package in PACKAGES if package.folder == folder]
        lock = {
            "packages": {
                package.spec: {"licence": package.licence, "integrity": package.integrity}
                for package in packages
            },
            "files": {name: describe(folder / name) for name in present(folder)},
        }
        lock_path(folder).write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


def copy_files(package: Package) -> None:
    with tempfile.TemporaryDirectory() as name:
        unpacked = download(package, Path(name))
        for source, target in package.files.items():
            path = package.folder / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((unpacked / source).read_bytes())
        if package.licence == "MIT":
            text = mit_text(package.folder / "tabler.min.css")
            (package.folder / "tabler.LICENSE.txt").write_text(text, encoding="utf-8")


def mit_text(style_sheet: Path) -> str:
    """The licence with the holders as the style sheet's own banner names them."""
    banner = style_sheet.read_text(encoding="utf-8").split("*/", 1)[0]
    holders = [line.strip(" *") for line in banner.splitlines() if "Copyright" in line]
    return MIT.format(holders="\n".join(holders))


def download(package: Package, folder: Path) -> Path:
    answer = subprocess.run(
        ["npm", "pack", package.spec, "--json", "--pack-destination", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    archive = folder / json.loads(answer.stdout)[0]["filename"]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != package.integrity:
        sys.exit(f"{package.spec} is not the package this tool was written for: sha512-{digest}")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


def describe(path: Path) -> dict[str, object]:
    """Size and sub-resource integrity of a file."""
    content = path.read_bytes()
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    return {"bytes": len(content), "integrity": f"sha384-{digest}"}


def present(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def check(folder: Path) -> list[str]:
    """What differs between the lock and the folder, one sentence per file."""
    locked = json.loads(lock_path(folder).read_text(encoding="utf-8"))["files"]
    found = present(folder)
    wrong = [f"{name} is not in the lock" for name in found if name not in locked]
    for name, expected in locked.items():
        if name not in found:
            wrong.append(f"{name} is missing")
        elif describe(folder / name) != expected:
            wrong.append(f"{name} was changed")
    if not locked:
        wrong.append("the lock lists no file")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("action", choices=("fetch", "check"))
    if parser.parse_args().action == "fetch":
        fetch()
    problems = [
        f"{folder.relative_to(ROOT)}: {text}" for folder in (PAGES, TESTS) for text in check(folder)
    ]
    print("\n".join(problems) or "web assets match their locks")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
