"""Accounts and merchants from the terminal: JSON out, passwords from a pipe, errors as one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tidegate.cli import cli
from tidegate.errors import Conflict, InputError, NotFound

PASSWORD = "潮水退去 才知道 2026"


@pytest.fixture
def run(tmp_path: Path, house: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in house.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TIDEGATE_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def call(*args: str, typed: str = "") -> Any:
        done = CliRunner().invoke(cli, args, input=typed, standalone_mode=False)
        if done.exception:
            raise done.exception
        return json.loads(done.stdout) if "--json" in args else done.stdout

    return call


def test_an_owner_is_added_listed_and_invites(run) -> None:
    run(
        "people",
        "add",
        "Lin@example.com",
        "--role",
        "owner",
        "--name",
        "林悦",
        typed=PASSWORD + "\n",
    )
    (found,) = run("people", "list", "--json")
    assert (found["login"], found["name"], found["role"], found["shops"]) == (
        "lin@example.com", "林悦", "owner", None,
    )  # fmt: skip
    link = run("people", "invite", "--role", "reader", "--base", "https://shop.example/", "--json")[
        "link"
    ]
    assert link.startswith("https://shop.example/join/")
    assert len(link.rpartition("/")[2]) == 43


def test_the_first_person_is_an_owner_and_passwords_have_rules(run) -> None:
    with pytest.raises(Conflict, match="no owner yet"):
        run("people", "add", "zhou", "--role", "reader", typed=PASSWORD + "\n")
    with pytest.raises(InputError, match="at least 10"):
        run("people", "add", "lin", "--role", "owner", typed="short\n")
    assert run("people", "list", "--json") == []


def test_a_password_is_reset(run) -> None:
    run("people", "add", "lin", "--role", "owner", typed=PASSWORD + "\n")
    assert run("people", "reset-password", "LIN", "--json", typed="another long sentence\n") == {
        "login": "lin", "reset": True,
    }  # fmt: skip
    with pytest.raises(NotFound, match="tidegate people list"):
        run("people", "reset-password", "nobody", typed=PASSWORD + "\n")


def test_a_merchant_is_added_with_people_of_its_own(run) -> None:
    made = run("tenants", "add", "north", "--name", "北岸器物", "--currency", "EUR", "--json")
    assert (made["code"], made["name"], made["currency"], made["people"]) == (
        "north",
        "北岸器物",
        "EUR",
        0,
    )
    run("people", "add", "lin", "--role", "owner", "--tenant", "north", typed=PASSWORD + "\n")
    assert [(one["code"], one["people"]) for one in run("tenants", "list", "--json")] == [
        ("main", 0), ("north", 1),
    ]  # fmt: skip
    assert run("people", "list", "--json") == []
    with pytest.raises(Conflict, match="taken"):
        run("tenants", "add", "north")


@pytest.mark.parametrize(
    "args", [("Großes",), ("x",), ("ok", "--timezone", "Mars/Base"), ("ok", "--currency", "yuan")]
)
def test_a_wrong_merchant_is_refused(run, args) -> None:
    with pytest.raises(InputError):
        run("tenants", "add", *args)
