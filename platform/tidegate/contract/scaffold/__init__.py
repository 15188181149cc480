"""The package that `tidegate connectors new` writes: files beside this one, with the connector's name in them."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from tidegate.errors import Conflict, InputError

PLACEHOLDER, SUFFIX = "yourmall", ".txt"
NAME = re.compile(r"[a-z][a-z0-9_]{1,39}\Z")


def write_connector(name: str, folder: Path) -> Path:
    """The folder `tidegate-NAME` that was written.

    Raises:
        InputError: the name can't be a package's. Conflict: the folder is there already.
    """
    if not NAME.match(name):
        raise InputError(
            "connector.name",
            zh=f"名称 {name[:40]} 不可用: 小写字母开头, 只含小写字母、数字和下划线。",
            en=f"{name[:40]!r} can't be a connector's name: small letters, digits and _, beginning with a letter.",
            field="name",
        )
    target = folder / f"tidegate-{name}"
    if target.exists():
        raise Conflict(
            "connector.exists",
            zh=f"目录 {target} 已存在; 换个名称, 或用 --dir 指定别处。",
            en=f"The folder {target} exists; choose another name, or another place with --dir.",
            folder=str(target),
        )
    _copy(files(__name__).joinpath("files"), target, name)
    return target


def _copy(source: Traversable, target: Path, name: str) -> None:
    if source.is_dir():
        target.mkdir(parents=True)
        for one in source.iterdir():
            _copy(one, target / one.name.removesuffix(SUFFIX).replace(PLACEHOLDER, name), name)
        return
    text = source.read_text(encoding="utf-8").replace(PLACEHOLDER, name)
    target.write_text(text, encoding="utf-8")
