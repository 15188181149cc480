"""Migrations make exactly the tables of the code, up and down, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from tidegate.bootstrap import alembic_config
from tidegate.store.revisions import known_revisions, newest_revision
from tidegate.store.schema import Base


def up_check_down(url: str) -> None:
    config = alembic_config(url)
    command.upgrade(config, "head")
    engine = create_engine(url)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    command.check(config)  # raises when the metadata and the migrations differ
    command.downgrade(config, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    command.upgrade(config, "head")
    engine.dispose()


def test_up_and_down_on_sqlite(tmp_path: Path) -> None:
    up_check_down(f"sqlite:///{tmp_path / 'x.db'}")


@pytest.mark.postgres
def test_up_and_down_on_postgres(postgres_url: str) -> None:
    up_check_down(postgres_url)


def test_the_history_is_one_line_and_what_a_start_reads_of_it_is_what_alembic_reads() -> None:
    scripts = ScriptDirectory.from_config(alembic_config("sqlite://"))
    found = {step.revision for step in scripts.walk_revisions()}
    assert found
    assert scripts.get_heads() == [newest_revision()]
    assert found == known_revisions()


def test_a_database_at_the_newest_revision_is_opened_without_alembic(tmp_path: Path) -> None:
    probe = (
        "import sys; from tidegate.bootstrap import open_context; open_context(carriers={}).store.close(); "
        "print('alembic' in sys.modules)"
    )
    env = {**os.environ, "TIDEGATE_DATA_DIR": str(tmp_path), "TIDEGATE_DATABASE_URL": ""}
    said = [
        subprocess.run(
            [sys.executable, "-c", probe], env=env, capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["True", "False"]


def test_every_step_goes_down_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    config = alembic_config(url)
    command.upgrade(config, "head")
    revisions = [found.revision for found in ScriptDirectory.from_config(config).walk_revisions()]
    assert revisions
    for _ in revisions:
        command.downgrade(config, "-1")
    engine = create_engine(url)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()
