"""Accounts from the terminal: secrets from a pipe, never shown again, sealed with keys that rotate."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tidegate.cli import cli
from tidegate.errors import ConfigError, InputError, NotFound

SECRET = "sk-canary-7f3a91"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TIDEGATE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TIDEGATE_TRUSTED_HOSTS", "127.0.0.1")
    monkeypatch.chdir(tmp_path)

    def call(*args: str, typed: str = "") -> Any:
        done = CliRunner().invoke(cli, args, input=typed, standalone_mode=False)
        assert SECRET not in done.output
        if done.exception:
            assert SECRET not in repr(done.exception)
            raise done.exception
        return json.loads(done.stdout) if "--json" in args else done.stdout

    return call


def add(run: Any, code: str = "sandbox") -> Any:
    url = "url=http://127.0.0.1:9"
    return run(
        "accounts",
        "add",
        "sandbox",
        "--code",
        code,
        "--set",
        url,
        "--json",
        typed=f"secret={SECRET}\n",
    )


def test_an_account_is_added_changed_paused_and_removed(run, tmp_path: Path) -> None:
    made = add(run)
    assert (made["settings"], made["secrets"], made["state"]) == (
        {"url": "http://127.0.0.1:9"}, ["secret"], "active",
    )  # fmt: skip
    changed = run("accounts", "set", "sandbox", "--set", "timeout_s=5", "--json")
    assert changed["settings"] == {"url": "http://127.0.0.1:9", "timeout_s": "5"}
    run("accounts", "pause", "sandbox", "--reason", "盘点", "--json")
    (one,) = run("accounts", "list", "--json")
    assert (one["state"], one["reason"], one["secrets"]) == ("paused", "盘点", ["secret"])
    run("accounts", "resume", "sandbox", "--json")
    assert SECRET.encode() not in (tmp_path / "tidegate.db").read_bytes()
    run("accounts", "remove", "sandbox", "--json")
    assert run("accounts", "list", "--json") == []


@pytest.mark.parametrize(
    ("pairs", "typed", "field"),
    [
        (["url=http://127.0.0.1:9"], "", "secret"),
        ([], f"secret={SECRET}\n", "url"),
        (["url=http://10.0.0.1:9"], f"secret={SECRET}\n", "url"),
        (["url=http://127.0.0.1:9", "colour=red"], f"secret={SECRET}\n", "colour"),
        (["url=http://127.0.0.1:9", f"secret={SECRET}"], "", "secret"),
        (["url=http://127.0.0.1:9"], f"colour={SECRET}\n", "colour"),
        (["url=http://127.0.0.1:9", "limits=many"], f"secret={SECRET}\n", "limits"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(run, pairs: list[str], typed: str, field: str) -> None:
    words = [word for pair in pairs for word in ("--set", pair)]
    with pytest.raises(InputError) as caught:
        run("accounts", "add", "sandbox", *words, typed=typed)
    assert caught.value.fields["field"] == field
    assert run("accounts", "list", "--json") == []


def test_unknown_accounts_and_connectors_are_missing(run) -> None:
    with pytest.raises(NotFound):
        run("accounts", "resume", "nowhere")
    with pytest.raises(NotFound, match="sandbox"):
        run("accounts", "add", "nowhere")


def test_keys_rotate_and_the_old_ones_stay_for_backups(run, tmp_path: Path) -> None:
    add(run)
    before = sealed(tmp_path)
    assert run("accounts", "rotate-keys", "--json") == {"sealed": 1}
    after = sealed(tmp_path)
    assert before[1] != after[1]
    assert len((tmp_path / "secrets.key").read_text().split()) == 2
    assert (tmp_path / "secrets.key").stat().st_mode & 0o777 == 0o600
    assert run("accounts", "rotate-keys", "--no-new", "--json") == {"sealed": 0}
    assert run("accounts", "list", "--json")[0]["secrets"] == ["secret"]


def test_without_the_key_nothing_opens_and_nothing_is_lost(run, tmp_path: Path) -> None:
    add(run)
    (tmp_path / "secrets.key").rename(tmp_path / "elsewhere")
    assert run("accounts", "list", "--json")[0]["secrets"] == ["?"]
    with pytest.raises(ConfigError, match=r"secrets\.key"):
        run("accounts", "set", "sandbox", "--set", "timeout_s=5")
    (tmp_path / "elsewhere").rename(tmp_path / "secrets.key")
    assert run("accounts", "list", "--json")[0]["secrets"] == ["secret"]


def sealed(folder: Path) -> tuple[str, str]:
    database = sqlite3.connect(folder / "tidegate.db")
    found = database.execute("SELECT credentials, key_id FROM connector_account").fetchone()
    database.close()
    return found
