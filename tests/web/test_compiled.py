"""Templates are compiled once in a process, and anew when their source changed."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest

from tidegate_web.app import create_app
from tidegate_web.compiled import Compiled


def test_a_second_application_compiles_nothing_again(
    empty_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []
    real = jinja2.Environment.compile

    def counted(self: Any, source: Any, name: Any = None, *rest: Any, **more: Any) -> Any:
        compiled.append(str(name))
        return real(self, source, name, *rest, **more)

    monkeypatch.setattr(jinja2.Environment, "compile", counted)
    monkeypatch.setattr("tidegate_web.app.COMPILED", Compiled())
    said = []
    for _ in range(2):
        app = create_app(empty_desk.context, secret_key="k" * 32, testing=True)
        said.append(app.test_client().get("/").get_data(as_text=True))
        if len(said) == 1:
            assert "base.html" in compiled
            compiled.clear()
    assert compiled == []
    assert "<html" in said[1]


def test_a_changed_source_is_compiled_anew() -> None:
    sources = {"page": "one"}
    kept = Compiled()
    for text in ("one", "two", "one"):
        sources["page"] = text
        environment = jinja2.Environment(
            loader=jinja2.DictLoader(sources), bytecode_cache=kept, autoescape=True
        )
        assert environment.get_template("page").render() == text
