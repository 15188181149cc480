"""What browser tests of the workshop share; those that also listen to the console have an `open_page` of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest


@pytest.fixture
def open_page(browser: Any, serve: Callable[[Any], str]) -> Iterator[Callable[..., Any]]:
    """A page of a desk in a language and width; errors of its scripts end up in `page.complaints`."""
    contexts = []

    def start(desk: Any, language: str = "zh", width: int = 1280, **options: Any) -> Any:
        address = serve(desk)
        context = browser.new_context(viewport={"width": width, "height": 1000}, **options)
        context.add_cookies([{"name": "tidegate_language", "value": language, "url": address}])
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.address = address
        return page

    yield start
    for context in contexts:
        context.close()
