"""`tidegate --help` names every command in its own words and imports none of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.cli import opening

PROBE = """
import sys
from importlib import import_module
from click.testing import CliRunner
from tidegate.cli import COMMANDS, cli
shown = CliRunner().invoke(cli, ["--help"]).output
loaded = sorted(name for name in sys.modules if name.split(".")[0] in ("sqlalchemy", "rich", "gunicorn"))
assert not loaded, loaded
assert COMMANDS
for name, (where, said) in COMMANDS.items():
    assert f"  {name} " in shown, name
    module, _, attribute = where.partition(":")
    assert getattr(import_module(module), attribute).help == said, name
print(len(COMMANDS))
"""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_list_of_commands_says_what_each_says_of_itself(language: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], env={**os.environ, "TIDEGATE_LANGUAGE": language},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


def test_commands_leave_no_connection_to_the_garbage_collector() -> None:
    """A command opens the platform by `opened`, which closes it; those that run on or fork close it themselves."""
    folder = Path(opening.__file__).parent
    opens = {file.stem for file in folder.glob("*.py") if "open_context" in file.read_text("utf-8")}
    assert opens == {"opening", "relay", "serve", "invariants"}
