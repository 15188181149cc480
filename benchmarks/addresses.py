"""Addresses a second: our longest-prefix parser against a scan of every name for every address,
same run, same rows."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

from tidegate.domain.addresses import parse_address, regions
from tidegate.domain.phones import check_phone

SEED = 20261111
ROADS = ("人民", "解放", "中山", "建设")
LEAST_RATIO = 1.5
AIM_PER_SECOND = 20_000


def rows(count: int) -> list[str]:
    """Made-up addresses in real districts, a third each: complete, without province, short
    names."""
    pick = random.Random(SEED)
    districts = [d for p in regions() for c in p.children for d in c.children if d.code < "710000"]
    texts = []
    for number in range(count):
        province, city, district = pick.choice(districts).path
        road, door = pick.choice(ROADS), pick.randint(1, 999)
        tail = f"{road}路{door}号{pick.randint(1, 30)}栋{pick.randint(101, 999)}"
        heads = (f"{province.name}{city.name}", city.name, f"{province.name[:2]} {city.name} ")
        texts.append(f"{heads[number % 3]}{district.name}{tail}")
    return texts


def scan(text: str, names: list[tuple[str, str, str]]) -> str | None:
    """The naive way: look for every district's name in the text, keep those whose city is in it
    too."""
    found = [d for _, c, d in names if d in text and c in text]
    return max(found, key=len) if found else None


def per_second(work: Callable[[str], object], texts: list[str]) -> float:
    began = time.perf_counter()
    for text in texts:
        work(text)
    return len(texts) / (time.perf_counter() - began)


def main() -> int:
    began = time.perf_counter()
    regions()
    print(f"data loaded in {(time.perf_counter() - began) * 1000:.0f} ms; seed {SEED}")
    texts = rows(20_000)
    names = [(p.name, c.name, d.name) for p in regions() for c in p.children for d in c.children]
    parse_address(texts[0])
    ours = per_second(parse_address, texts)
    naive = per_second(lambda text: scan(text, names), texts[:2_000])
    phones = per_second(check_phone, [f"138{n:08d}" for n in range(20_000)])
    print(
        f"parse {ours:,.0f}/s (aim, when idle: {AIM_PER_SECOND:,}); naive scan {naive:,.0f}/s; "
        f"ratio {ours / naive:.1f} (at least {LEAST_RATIO})"
    )
    print(f"phones {phones:,.0f}/s")
    return 0 if ours / naive >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
