"""`tidegate backup` and `tidegate restore` as an operator types them, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ORDER = "订单编号,收货人,联系电话,收货地址,商家编码,数量\nA1,张三丰,13800002291,杭州市余杭区文一西路969号,K,1\n"


def tidegate(data_dir: Path, *arguments: str) -> tuple[int, str, str]:
    env = {**os.environ, "TIDEGATE_DATA_DIR": str(data_dir), "TIDEGATE_LANGUAGE": "en"}
    env.pop("TIDEGATE_DATABASE_URL", None)  # SQLite: PostgreSQL is in tests/services/test_backup.py
    done = subprocess.run(
        [sys.executable, "-m", "tidegate", *arguments],
        env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def told(data_dir: Path, *arguments: str) -> Any:
    code, out, err = tidegate(data_dir, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_file_goes_from_one_machine_to_the_other(tmp_path: Path) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", str(tmp_path / "b.tar")
    orders = tmp_path / "o.csv"
    orders.write_text(ORDER, encoding="utf-8")
    told(old, "orders", "import", str(orders), "--mapping", "generic")
    made = told(old, "backup", file)
    assert (made["orders"], made["database"]) == (1, "sqlite")
    assert made["bytes"] == Path(file).stat().st_size
    back = told(new, "restore", file)
    assert (back["orders"], back["reconciling"]) == (1, True)
    assert told(new, "orders", "show", "A1")
    code, out, err = tidegate(new, "restore", file)
    assert (code, out) == (2, "")
    assert "backup.not_empty" in err
    code, out, err = tidegate(tmp_path / "third", "restore", str(orders))
    assert code == 2
    assert "backup.not_a_backup" in err
    assert not list((tmp_path / "third").glob("*.db"))
