"""`tidegate accounts pull`, `replay` and `log` against a mall of the open protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tidegate.cli import cli
from tidegate.errors import Conflict, InputError
from tidegate.sdk.stage.protocol import Fault, SampleLine, SampleOrder
from tidegate_platforms.generic import GenericServer

NOW = datetime.now(UTC)


@pytest.fixture
def mall() -> Iterator[GenericServer]:
    with GenericServer() as running:
        assert isinstance(running, GenericServer)
        for n in range(12):
            place(running, f"M{n}", NOW - timedelta(minutes=30))
        yield running


def place(mall: GenericServer, number: str, at: datetime, note: str = "") -> None:
    lines = [SampleLine("A-1", "杯子", 1, Decimal("9.90"))]
    mall.place(SampleOrder(number, at, at, lines, Decimal("9.90"), buyer_note=note))


@pytest.fixture
def run(
    mall: GenericServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, house: dict[str, str]
) -> Any:
    for name, text in {
        "TIDEGATE_DATA_DIR": str(tmp_path), "TIDEGATE_TRUSTED_HOSTS": "127.0.0.1", "TIDEGATE_LANGUAGE": "en",
        **house,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(tmp_path)

    def call(*args: str, typed: str = "") -> Any:
        done = CliRunner().invoke(cli, ["accounts", *args], input=typed, standalone_mode=False)
        if done.exception:
            raise done.exception
        return (json.loads(done.stdout), done.return_value) if "--json" in args else done.stdout

    url, key = mall.settings["url"], mall.settings["key"]
    call(
        "add", "generic", "--code", "own", "--set", f"url={url}", "--set", f"key={key}", "--set", "page_size=5",
        typed=f"secret={mall.settings['secret']}\n",
    )  # fmt: skip
    return call


def test_pull_reads_all_there_is_and_the_log_says_so(run: Any, mall: GenericServer) -> None:
    (line,), code = run("pull", "own", "--json")
    assert (line["task"], line["read"], line["created"], line["began_by"] != "") == (
        "orders", 12, 12, True,
    )  # fmt: skip
    assert code == 0
    lines, _ = run("log", "own", "--json")
    assert [one["read"] for one in lines] == [12]
    assert "read 12 kept 12 refused 0  fine" in run("log", "own", "--task", "orders")
    assert "not run yet" in run("log", "own", "--task", "stock")


def test_pull_ends_with_one_when_the_mall_says_no(run: Any, mall: GenericServer) -> None:
    mall.fail(Fault.REFUSED, times=1)
    (line,), code = run("pull", "own", "--json")
    assert code == 1
    assert line["code"]
    assert run("pull", "own", "--json")[1] == 0


def test_replay_reads_known_orders_again_and_doubles_none(run: Any, mall: GenericServer) -> None:
    run("pull", "own")
    place(mall, "M3", NOW - timedelta(minutes=29), "改过")
    since = (NOW - timedelta(hours=2)).isoformat()
    run("replay", "own", "--from", since)
    (line,), _ = run("pull", "own", "--json")
    assert (line["read"], line["created"], line["updated"]) == (12, 0, 1)


@pytest.mark.parametrize("since", ["gestern", "2019-01-01T00:00", "2999-01-01T00:00"])
def test_a_moment_that_is_none_is_refused(run: Any, since: str) -> None:
    with pytest.raises(InputError) as caught:
        run("replay", "own", "--from", since)
    assert caught.value.fields["field"] == "since"


def test_a_paused_account_is_not_pulled(run: Any, mall: GenericServer) -> None:
    run("pause", "own", "--reason", "盘点")
    calls = len(mall.calls)
    for words in (
        ("pull", "own"),
        ("replay", "own", "--from", (NOW - timedelta(hours=2)).isoformat()),
    ):
        with pytest.raises(Conflict):
            run(*words)
    assert len(mall.calls) == calls
