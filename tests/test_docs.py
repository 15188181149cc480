"""The docs are true: links lead somewhere, commands exist and run, nothing names a private place."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tidegate.cli import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMAND = re.compile(r"^\$ (?:\.venv/bin/)?tidegate (.+)$", re.M)


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        return [path]
    here = click.Context(command)
    found = [(name, command.get_command(here, name)) for name in command.list_commands(here)]
    return [leaf for name, sub in found if sub for leaf in leaves(sub, (*path, name))]


def shown() -> list[tuple[str, str]]:
    return [
        (str(page.relative_to(ROOT)), line)
        for page in PAGES
        for line in COMMAND.findall(page.read_text("utf-8"))
    ]


def test_there_are_pages() -> None:
    assert len(PAGES) > 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text("utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_every_command_is_in_its_page() -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    commands = leaves(cli)
    assert len(commands) >= 12
    assert [" ".join(c) for c in commands if f"tidegate {' '.join(c)}" not in page] == []


def test_every_option_is_in_the_commands_page() -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    missing = []
    for path in leaves(cli):
        command: click.Command = cli
        for name in path:
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), name)
            assert found is not None
            command = found
        for option in command.params:
            if isinstance(option, click.Option) and f"`{option.opts[0]}" not in page:
                missing.append(f"{' '.join(path)} {option.opts[0]}")
    assert missing == []


def test_the_commands_page_is_made_from_the_commands() -> None:
    done = subprocess.run([sys.executable, "tools/docs_cli.py", "check"], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_every_command_answers_in_json_and_has_help_in_both_languages() -> None:
    for path in leaves(cli):
        command: click.Command = cli
        for name in path:
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), name)
            assert found is not None
            command = found
        assert "--json" in {opt for param in command.params for opt in param.opts}, path
    helps = {}
    for language in ("zh", "en"):
        done = subprocess.run(
            [sys.executable, "-m", "tidegate", "--help"],
            env={**os.environ, "TIDEGATE_LANGUAGE": language},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        helps[language] = done.stdout
    assert re.search(r"[一-鿿]", helps["zh"])
    assert not re.search(r"[一-鿿]", helps["en"])


@pytest.mark.parametrize("page", sorted({page for page, _ in shown()}))
def test_commands_shown_run(page: str, tmp_path: Path, house: dict[str, str]) -> None:
    """Each page's `$ tidegate …` lines run in order, in one fresh data folder, from the project's root."""
    lines = [line for found, line in shown() if found == page]
    assert lines
    env = {**os.environ, "TIDEGATE_DATA_DIR": str(tmp_path), "TIDEGATE_LANGUAGE": "en"}
    env.pop("TIDEGATE_DATABASE_URL", None)
    env |= house
    for line in lines:
        if line.split()[0] in ("run", "sandbox"):
            continue  # servers have tests of their own (tests/test_run.py)
        words = shlex.split(line.replace("/tmp/", f"{tmp_path}/"), comments=True)
        done = subprocess.run(
            [sys.executable, "-m", "tidegate", *words],
            cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 1), f"{page}: {line}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr


def test_nothing_names_a_registry_or_a_machine() -> None:
    """Locks carry hashes, no addresses; no file names a folder of somebody's machine."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    pattern = re.compile(
        r"/home/\w+|/root/|/Users/\w+|registry\.npmjs|pypi\.org|files\.pythonhosted"
    )
    found = []
    looked = 0
    for name in listed:
        path = ROOT / name
        if not path.is_file() or path.suffix in {".ttf", ".png", ".xz", ".gz", ".mo"}:
            continue
        if "vendor" in path.parts or name == "tests/test_docs.py":
            continue
        looked += 1
        if pattern.search(path.read_text("utf-8", errors="replace")):
            found.append(name)
    assert looked > 50
    assert found == []
