"""The tutorial, followed literally: its files written, its commands run, in their order, to a green card."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.contract.scaffold import write_connector
from tidegate.errors import Conflict, InputError
from tidegate.sdk.discovery import installed
from tidegate.services.view_sync import gallery

INSTALL = "uv pip install --no-deps -e ."


def test_the_tutorial_ends_with_a_green_card(
    tutorial: tuple[dict[str, str], list[str]], tmp_path: Path
) -> None:
    files, commands = tutorial
    lib, here = tmp_path / "lib", tmp_path
    bin_dir = str(Path(sys.executable).parent)
    env = {
        **os.environ, "PYTHONPATH": str(lib), "TIDEGATE_LANGUAGE": "en",
        "PATH": bin_dir + os.pathsep + os.environ["PATH"],
    }  # fmt: skip
    installs = f"uv pip install -q --offline --no-deps --upgrade --python {sys.executable} --target {lib} ."
    said = ""
    for command in commands:
        if command.startswith("cd "):
            here = here / command.removeprefix("cd ")
            continue
        fails = command.startswith("! ")
        run = command.removeprefix("! ").replace(INSTALL, installs)
        done = subprocess.run(
            run, shell=True, cwd=here, env=env, capture_output=True, text=True, check=False, timeout=300
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, f"{command}\n{said}"
        if fails:
            assert "write signature() in src/tidegate_teahouse/signing.py" in said
            for path, body in files.items():
                (here / path).write_text(body, encoding="utf-8")
            subprocess.run(installs, shell=True, cwd=here, env=env, check=True, timeout=300)
        if command == "tidegate connectors list":
            assert "teahouse" in said
    assert "Connector teahouse: green" in said


def test_the_connector_of_the_tutorial_is_short(malls) -> None:
    package = malls.make("shortmall") / "src" / "tidegate_shortmall"
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in package.glob("*.py"))
    assert 50 < lines < 200


def test_a_connector_of_others_is_in_the_list_and_the_gallery_without_being_registered(
    malls,
) -> None:
    malls.make("strangers")
    assert "strangers" in installed()
    assert "strangers" in [one.id for one in gallery()]


def test_a_name_that_no_package_can_have_and_a_folder_that_is_there_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="small letters"):
        write_connector("Tea House", tmp_path)
    write_connector("tea", tmp_path)
    with pytest.raises(Conflict, match="exists"):
        write_connector("tea", tmp_path)
