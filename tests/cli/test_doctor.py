"""`tidegate doctor` looks at real things and says what is wrong with them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from tidegate.bootstrap import open_context
from tidegate.settings import Settings
from tidegate.store.backup_tables import RestoreMark
from tidegate.store.tables import Job


def doctor(data_dir: Path, *options: str, **settings: str) -> tuple[int, dict[str, Any]]:
    env = {**os.environ, "TIDEGATE_DATA_DIR": str(data_dir), "TIDEGATE_LANGUAGE": "en"}
    env.pop("TIDEGATE_DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-m", "tidegate", "doctor", "--json", *options],
        env={**env, **settings}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    found = {row["check"]: row for row in json.loads(done.stdout)["findings"]}
    assert found
    return done.returncode, found


@pytest.fixture
def upgraded(tmp_path: Path, migrated_url: Callable[[str], str]) -> Path:
    """A data folder with its database, as `tidegate db upgrade` leaves it."""
    made = make_url(migrated_url("sqlite")).database
    assert made is not None
    shutil.copyfile(made, tmp_path / "tidegate.db")
    return tmp_path


def test_a_database_without_tables_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    code, found = doctor(tmp_path)
    assert code == 1
    assert found["migrations"]["level"] == "error"
    assert "tidegate db upgrade" in found["migrations"]["said"]


def test_after_the_upgrade_all_is_well(tmp_path: Path) -> None:
    env = {**os.environ, "TIDEGATE_DATA_DIR": str(tmp_path)}
    env.pop("TIDEGATE_DATABASE_URL", None)
    subprocess.run(
        [sys.executable, "-m", "tidegate", "db", "upgrade"],
        env=env, check=True, capture_output=True,
    )  # fmt: skip
    code, found = doctor(tmp_path)
    assert code == 0
    assert found["migrations"]["level"] == "ok"
    assert any(check.startswith("rules review/") for check in found)


@pytest.mark.postgres
def test_postgres_and_redis_are_reached_and_clocks_compared(
    tmp_path: Path, migrated_url: Callable[[str], str], redis_url: str
) -> None:
    url = migrated_url("postgres")
    code, found = doctor(tmp_path, TIDEGATE_DATABASE_URL=url, TIDEGATE_REDIS_URL=redis_url)
    assert code == 0
    assert found["redis"]["level"] == "ok"
    assert "sqlite" not in found
    assert found["clock"]["level"] == "ok"
    assert "from the database server" in found["clock"]["said"]


def test_a_redis_that_does_not_answer_is_an_error(upgraded: Path) -> None:
    code, found = doctor(upgraded, TIDEGATE_REDIS_URL="redis://127.0.0.1:1/0")
    assert code == 1
    assert found["redis"]["level"] == "error"


def test_invariants_are_looked_at_when_asked(upgraded: Path) -> None:
    code, found = doctor(upgraded)
    assert not any(check.startswith("invariant") for check in found)
    code, found = doctor(upgraded, "--invariants")
    looked = [row for check, row in found.items() if check.startswith("invariant I")]
    assert len(looked) >= 9
    assert {row["level"] for row in looked} == {"ok"}
    assert code == 0


def test_dead_jobs_unclear_effects_and_an_open_restore_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("TIDEGATE_DATABASE_URL", raising=False)
    context = open_context(Settings.from_environment(None), carriers={})
    long_ago = context.clock() - timedelta(hours=1)
    with context.store.begin(context.tenant_id) as work:
        for state in ("dead", "ready"):
            work.add(Job(name="x", state=state, args={}, due_at=long_ago, created_at=long_ago))
        work.add(RestoreMark(tag="t", parcels_up_to=0, backed_up_at=long_ago, restored_at=long_ago))
        work.commit()
    context.store.engine.dispose()
    code, found = doctor(tmp_path)
    assert code == 1
    levels = {check: row["level"] for check, row in found.items()}
    assert levels["dead jobs"] == "error"
    assert "1 dead jobs of kind x" in found["dead jobs"]["said"]
    assert levels["queue"] == "warning"
    assert levels["restore"] == "warning"
    assert (levels["effects"], levels["merchants"]) == ("ok", "ok")
    assert levels["disk"] in ("ok", "warning", "error")
