"""The quick start of docs/api.md, line by line as a shell runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate.services.accounts import founding, tokens
from tidegate.services.accounts.principals import local_principal
from tidegate_web.api.description import description

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")


def test_every_command_of_the_quick_start_succeeds(
    desk: Any, serve: Callable[[Any], str], tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    founding.create_owner(desk.context, "owner@example.com", "Lin", "潮水退去 才知道 2026", "test")
    secret = tokens.create(desk.context, local_principal(1), "docs", "manager", 90, None)
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, re.S)
    script = block.replace("http://127.0.0.1:8000", serve(desk)).replace("tdg_…", secret)
    assert secret in script
    commands = re.sub(r"^curl ", "curl --fail --show-error ", script, flags=re.M)
    assert commands.count("curl --fail") >= 12
    done = subprocess.run(
        ["sh", "-e", "-c", commands], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-500:] + done.stdout[-500:]
    assert (tmp_path / "review.yaml").read_text("utf-8").startswith("tidegate: ruleset/1")


def test_every_address_is_in_the_table() -> None:
    table = PAGE.partition("## What there is")[2].partition("## What holds")[0]
    looked = 0
    for path in description()["paths"]:
        last = [part for part in path.split("/") if not part.startswith("{")][-1]
        assert f"/{last}" in table, path
        looked += 1
    assert looked > 40
