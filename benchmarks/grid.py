"""How long a saved cell takes in a table of 1,000 rows, from request to answer, and the marks of 200 rows.

python benchmarks/grid.py
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tidegate.bootstrap import open_context
from tidegate.services.workshop import drafts, grid, grid_marks
from tidegate.settings import Settings
from tidegate_web.app import create_app

ROWS, SAVES = 1000, 40
PROVINCES = ("江苏", "浙江", "上海", "安徽", "广东", "北京", "四川", "湖北")


def a_table(rows: int) -> dict[str, Any]:
    return {
        "id": "big", "policy": "first", "outputs": ["hold"],
        "inputs": ["order.total", "recipient.province", "order.channel"],
        "rows": [
            {
                "id": f"r{n}",
                "when": [f"[{n} CNY..{n + 3} CNY)", f'"{PROVINCES[n % 8]}"', "-"],
                "then": [{"reason": "high_value"}],
            }
            for n in range(1, rows + 1)
        ],
    }  # fmt: skip


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        url = f"sqlite:///{where / 'tidegate.db'}"
        settings = replace(Settings.from_environment(None), data_dir=where, database_url=url)
        context = open_context(settings, carriers={})
        app = create_app(context, secret_key="k" * 32, testing=True)
        title = {"zh": "大表", "en": "Big"}
        draft = drafts.create(context, "big-set", "review", title, "first", "bench")
        drafts.save_table(context, "big-set", draft.version, "big", a_table(ROWS), "bench")
        client = app.test_client()
        address = "/rules/big-set/tables/big"
        taken = sorted(save(client, address, n) for n in range(SAVES))
        print(f"cell save, {ROWS} rows: median {statistics.median(taken) * 1000:.0f} ms, "
              f"p95 {taken[int(SAVES * 0.95) - 1] * 1000:.0f} ms")  # fmt: skip
        small = drafts.create(context, "small-set", "review", title, "first", "bench")
        drafts.save_table(context, "small-set", small.version, "big", a_table(200), "bench")
        ruleset = drafts.working_set(context, "small-set")
        begun = time.perf_counter()
        grid_marks.marks_of(ruleset, "big", grid.column_types(ruleset, "big"), "CNY")
        print(f"marks, 200 rows: {(time.perf_counter() - begun) * 1000:.0f} ms")
        context.store.engine.dispose()


def save(client: Any, address: str, number: int) -> float:
    page = client.get(address).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    version = re.search(r'name="version" value="(\d+)"', page)
    assert token
    assert version
    form = {
        "csrf_token": token[1], "version": version[1], "do": "cell", "row": "r7",
        "col": "when.0", "text": f">= {number + 5}",
    }  # fmt: skip
    begun = time.perf_counter()
    answer = client.post(
        address, data=form, headers={"HX-Request": "true", "HX-Target": "grid-table"}
    )
    taken = time.perf_counter() - begun
    assert answer.status_code == 200, answer.status_code
    return taken


if __name__ == "__main__":
    main()
