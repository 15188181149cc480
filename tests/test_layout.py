"""The five source roots, and the trap that `platform` is a standard-library module."""

from __future__ import annotations

import ast
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE_ROOTS = {
    "platform": "tidegate",
    "rules": "tidegate_rules",
    "connectors": "tidegate_connectors",
    "web": "tidegate_web",
    "migrations": "tidegate_migrations",
}


BESIDE = {"connectors": "tidegate_platforms"}  # the servers that connectors are tried against


@pytest.mark.parametrize(("root", "package"), SOURCE_ROOTS.items())
def test_source_root_holds_one_package(root: str, package: str) -> None:
    found = {item.name for item in (ROOT / root).iterdir() if item.name != "__pycache__"}
    assert package in found
    assert found <= {package, "README.md", BESIDE.get(root, package)}


def test_rules_are_data() -> None:
    """One marker with a docstring, no other Python: behaviour in `rules/` is YAML."""
    python = list((ROOT / "rules").rglob("*.py"))
    assert python == [ROOT / "rules" / "tidegate_rules" / "__init__.py"]
    body = ast.parse(python[0].read_text(encoding="utf-8")).body
    assert all(isinstance(statement, ast.Expr) for statement in body)


def test_stdlib_platform_wins_when_run_from_the_root() -> None:
    command = [sys.executable, "-c", "import platform; print(platform.__file__)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(sysconfig.get_path("stdlib"))


def test_every_package_has_its_marker() -> None:
    """A forgotten `__init__.py` makes a namespace package, which mypy and wheels half see."""
    missing = []
    seen = 0
    for root, package in SOURCE_ROOTS.items():
        for folder in (ROOT / root / package).rglob("*"):
            if folder.is_dir() and any(folder.glob("*.py")):
                seen += 1
                if not (folder / "__init__.py").is_file() and folder.name != "versions":
                    missing.append(str(folder.relative_to(ROOT)))
    assert seen > 5
    assert missing == []


def test_wheel_and_editable_install_name_the_same_roots() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
        "build"
    ]
    assert build["dev-mode-dirs"] == list(SOURCE_ROOTS)
    assert build["targets"]["wheel"]["packages"] == [
        f"{root}/{name}"
        for root, package in SOURCE_ROOTS.items()
        for name in dict.fromkeys((package, BESIDE.get(root, package)))
    ]


def test_nothing_happens_at_import() -> None:
    """Importing the whole product opens no socket, reads no setting and starts no thread."""
    probe = (
        "import sys, os, socket, threading, pkgutil, importlib\n"
        "def refuse(*_): raise SystemExit('a socket at import')\n"
        "socket.socket.connect = refuse\n"
        "seen = 0\n"
        "import tidegate, tidegate_connectors, tidegate_web\n"
        "for package in (tidegate, tidegate_connectors, tidegate_web):\n"
        "    for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if found.name.endswith('__main__'): continue\n"
        "        importlib.import_module(found.name); seen += 1\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert not os.path.exists('var'), 'a data folder was made at import'\n"
        "print(seen)\n"
    )
    command = [sys.executable, "-c", probe]
    import tempfile

    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.strip()) > 40
