"""Settings come from the environment, then .env; every one is documented."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from tidegate.settings import Settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in fields(Settings):
        monkeypatch.delenv(f"TIDEGATE_{field.name.upper()}", raising=False)


def test_defaults_need_no_server(tmp_path: Path) -> None:
    found = Settings.from_environment(tmp_path / "absent")
    assert found.database_url.startswith("sqlite:///")
    assert found.host == "127.0.0.1"
    assert found.redis_url is None


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("TIDEGATE_PORT=9001\nTIDEGATE_LANGUAGE=en\n", encoding="utf-8")
    monkeypatch.setenv("TIDEGATE_PORT", "9002")
    monkeypatch.setenv("TIDEGATE_LANGUAGE", "zh")
    monkeypatch.delenv("TIDEGATE_LANGUAGE")
    found = Settings.from_environment(dotenv)
    assert (found.port, found.language) == (9002, "en")


def test_env_example_names_every_setting_and_no_other() -> None:
    named = re.findall(r"^TIDEGATE_([A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.M)
    assert sorted(named) == sorted(field.name.upper() for field in fields(Settings))


def test_env_example_shows_the_defaults(tmp_path: Path) -> None:
    shown = Settings.from_environment(ROOT / ".env.example")
    assert shown == Settings.from_environment(tmp_path / "absent")


def test_docs_name_every_setting() -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    missing = [f.name for f in fields(Settings) if f"TIDEGATE_{f.name.upper()}" not in page]
    assert missing == []
