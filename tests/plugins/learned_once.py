"""What libraries work out anew for each engine and each application, worked out once for all tests of a process.

Tests open hundreds of databases and applications of the same kind; a process in use opens one. Compiling statements
and building addresses again took a sixth of the suite. Processes that tests start are as they are shipped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

STATEMENTS = 2000


def statements(patch: pytest.MonkeyPatch) -> None:
    """Engines of one kind of database share their compiled statements."""
    kept: dict[type, LRUCache[Any, Any]] = defaultdict(lambda: LRUCache(STATEMENTS))
    made = Engine.__init__

    # `create_engine` reads from the signature what it may hand on
    def make(
        self: Engine, pool: Any, dialect: Any, url: Any, logging_name: Any = None, echo: Any = None,
        query_cache_size: int = 500, execution_options: Any = None, hide_parameters: bool = False,
    ) -> None:  # fmt: skip
        made(
            self, pool, dialect, url, logging_name, echo, query_cache_size, execution_options,
            hide_parameters,
        )  # fmt: skip
        self._compiled_cache = kept[type(dialect)]

    patch.setattr(Engine, "__init__", make)
    # a dialect is part of the key of a compiled statement
    patch.setattr(DefaultDialect, "__hash__", lambda self: hash(type(self)))
    patch.setattr(DefaultDialect, "__eq__", lambda self, other: type(self) is type(other))


def addresses(patch: pytest.MonkeyPatch) -> None:
    """Applications share the functions that build their addresses: they depend on the text of the rule only."""
    kept: dict[tuple[Any, ...], Callable[..., Any]] = {}
    build = Rule._compile_builder

    def built(self: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        key = (
            self.rule, tuple(self._trace), repr(sorted((self.defaults or {}).items())), append_unknown,
        )  # fmt: skip
        if key not in kept:
            kept[key] = build(self, append_unknown)
        return kept[key]

    patch.setattr(Rule, "_compile_builder", built)
