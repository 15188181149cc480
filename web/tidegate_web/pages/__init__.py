"""One module per area of the site; each offers a blueprint called `pages`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from flask import Blueprint


def every_page() -> Iterator[Blueprint]:
    """The blueprints of this package, found by looking."""
    for module in pkgutil.iter_modules(__path__):
        found: Blueprint = importlib.import_module(f"{__name__}.{module.name}").pages
        yield found
