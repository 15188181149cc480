"""A made-up mall, written by `connectors new` and finished as the tutorial says; copies of it with one thing broken."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import pytest

from tidegate.contract.scaffold import write_connector
from tidegate.sdk.stage.protocol import GROUP

TUTORIAL = Path(__file__).parents[2] / "docs" / "connectors" / "tutorial.md"
FILE = re.compile(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAME = "teahouse"


def blocks(name: str = NAME) -> dict[str, str]:
    """Path in the package -> what to write there."""
    found = FILE.findall(TUTORIAL.read_text(encoding="utf-8"))
    assert found, "the tutorial has no file to write"
    return {path.replace(NAME, name): body.replace(NAME, name) for path, body in found}


def commands() -> list[str]:
    """In their order."""
    found = SHELL.findall(TUTORIAL.read_text(encoding="utf-8"))
    return [line for block in found for line in block.splitlines() if line]


class Malls:
    """Writes packages and makes them visible as an installer does: on sys.path, with their entry points beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, name: str, *changes: tuple[str, str, str]) -> Path:
        """`changes`: file below src/tidegate_NAME, old text, new text."""
        made = write_connector(name, self.folder / name)
        package = made / "src" / f"tidegate_{name}"
        for path, body in blocks(name).items():
            (made / path).write_text(body, encoding="utf-8")
        for file, old, new in changes:
            text = (package / file).read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
            (package / file).write_text(text.replace(old, new), encoding="utf-8")
        self.visible(name, made)
        return made

    def copy(self, name: str, of: str, *changes: tuple[str, str, str]) -> None:
        """A connector of ours under another name, with its own protocol server; `changes` as in `make`."""
        package = self.folder / name / "src" / f"tidegate_{name}"
        shutil.copytree(
            Path(str(files(f"tidegate_connectors.{of}"))), package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )  # fmt: skip
        changes = ((("manifest.yaml", f"\nid: {of}\n", f"\nid: {name}\n")), *changes)
        for path in package.glob("*.py"):
            text = path.read_text(encoding="utf-8")
            path.write_text(
                text.replace(f"tidegate_connectors.{of}", f"tidegate_{name}"), encoding="utf-8"
            )
        for file, old, new in changes:
            text = (package / file).read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
            (package / file).write_text(text.replace(old, new), encoding="utf-8")
        server = next(one for one in entry_points(group=GROUP) if one.name == of)
        self.visible(name, self.folder / name, server.value)

    def visible(self, name: str, made: Path, server: str = "") -> None:
        info = made / "src" / f"tidegate_{name}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: tidegate-{name}\nVersion: 0.1.0\n", encoding="utf-8"
        )
        (info / "entry_points.txt").write_text(
            f"[tidegate.connectors]\n{name} = tidegate_{name}\n\n"
            f"[tidegate.protocol_servers]\n{name} = {server or f'tidegate_{name}_server:Server'}\n",
            encoding="utf-8",
        )
        sys.path.insert(0, str(made / "src"))


@pytest.fixture(scope="session")
def malls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Malls]:
    before = list(sys.path)
    yield Malls(tmp_path_factory.mktemp("malls"))
    sys.path[:] = before


@pytest.fixture
def mall(malls: Malls) -> Callable[..., Path]:
    return malls.make


@pytest.fixture(scope="session")
def tutorial() -> tuple[dict[str, str], list[str]]:
    """Files to write and commands to run."""
    return blocks(), commands()
