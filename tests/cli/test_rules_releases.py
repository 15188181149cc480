"""Sets as files beside a git repository: pulled, changed, pushed, published, rolled back, from a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tidegate.bootstrap import open_context
from tidegate.cli import cli
from tidegate.errors import InputError, NotFound
from tidegate.services.workshop import drafts
from tidegate.services.workshop.live_sets import live_set


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TIDEGATE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)

    def call(*args: str, code: int = 0) -> Any:
        done = CliRunner().invoke(cli, ["rules", *args, "--json"], standalone_mode=False)
        if done.exception:
            raise done.exception
        assert (done.return_value or 0) == code, done.output
        return json.loads(done.stdout)

    return call


def test_what_is_pulled_and_pushed_again_changes_nothing(run, tmp_path) -> None:
    written = run("pull", "sets")
    assert len(written) >= 4
    assert {one["done"] for one in written} == {"written"}
    before = {file.name: file.read_bytes() for file in sorted((tmp_path / "sets").iterdir())}
    assert list(before) == sorted(f"{one['set']}.yaml" for one in written)

    assert {one["done"] for one in run("pull", "sets")} == {"same"}
    pushed = run("push", "sets")
    assert len(pushed) == len(written)
    assert {(one["done"], one["version"]) for one in pushed} == {("same", 0)}
    assert {f.name: f.read_bytes() for f in sorted((tmp_path / "sets").iterdir())} == before


def test_a_changed_file_is_published_and_rolled_back(run, tmp_path) -> None:
    run("pull", "sets", "review")
    file = tmp_path / "sets" / "review.yaml"
    first = file.read_bytes()
    title = next(line for line in file.read_text("utf-8").splitlines() if "title:" in line)
    _changed_line(file, title, title + "  # a comment is not kept")
    assert run("push", "sets")[0]["done"] == "same"

    name = _title("review")
    _changed_once(file, name, "审单（新）")
    assert [(one["done"], one["version"]) for one in run("push", "sets")] == [("drafted", 1)]
    made = run("publish", "review", "--note", "改名")
    assert (made["number"], made["mode"], made["published_by"]) == (1, "live", "cli")
    assert _title("review") == "审单（新）"
    assert [(one["number"], one["in_force"]) for one in run("versions", "review")] == [
        (1, True),
        (0, False),
    ]

    back = run("roll-back", "review", "--to", "1", "--reason", "再来一次")
    assert back["number"] == 2
    with pytest.raises(NotFound):
        run("roll-back", "review", "--to", "9", "--reason", "没有")
    assert run("pull", "sets", "review")[0]["done"] == "written"  # the comment went
    assert file.read_bytes() != first


def test_one_broken_file_does_not_stop_the_others(run, tmp_path) -> None:
    written = run("pull", "sets")
    broken, changed = (tmp_path / "sets" / f"{one['set']}.yaml" for one in written[:2])
    broken.write_text(broken.read_text("utf-8") + "nonsense: 1\n", encoding="utf-8")
    name = _title(written[1]["set"])
    _changed_once(changed, name, name + "（新）")

    pushed = run("push", "sets", code=1)
    done = {one["set"] or Path(one["file"]).stem: one for one in pushed}
    assert len(pushed) == len(written)
    assert done[broken.stem]["done"] == "refused"
    assert "nonsense" in done[broken.stem]["error"]["message"]
    assert done[changed.stem]["done"] == "drafted"
    with pytest.raises(InputError, match="no rule set"):
        run("push", str(tmp_path / "var"))


def test_a_draft_that_somebody_writes_is_not_replaced(run, tmp_path) -> None:
    run("pull", "sets", "review")
    file = tmp_path / "sets" / "review.yaml"
    drafts.save_head(open_context(), "review", 0, {"note": "等一下"}, "林悦")
    _changed_once(file, _title("review"), "审单（新）")

    refused = run("push", str(file), code=1)[0]
    assert (refused["done"], refused["error"]["code"]) == ("refused", "rules.draft_of_another")
    assert "林悦" in refused["error"]["message"]
    assert run("push", str(file), "--over")[0]["done"] == "drafted"
    found = drafts.draft_of(open_context(), "review")
    assert found is not None
    assert (found.version, found.changed_by, set(found.authors)) == (2, "cli", {"林悦", "cli"})


def _title(set_id: str) -> str:
    found = live_set(open_context(), set_id)
    assert found is not None
    return found.title["zh"]


def _changed_line(file: Path, before: str, after: str) -> None:
    lines = file.read_text("utf-8").splitlines()
    lines[lines.index(before)] = after
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _changed_once(file: Path, before: str, after: str) -> None:
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")
