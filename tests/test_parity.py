"""docs/parity.md tells the truth: every page it names is served, every test it names exists."""

from __future__ import annotations

import re
from pathlib import Path

from tidegate_web.pages import every_page

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.*?) \| (.*?) \|$", re.M)


def served() -> set[str]:
    """Addresses with every place in them written `<>`."""
    from flask import Flask

    app = Flask("parity")
    for page in every_page():
        app.register_blueprint(page)
    return {re.sub(r"<[^>]+>", "<>", rule.rule) for rule in app.url_map.iter_rules()}


def test_every_page_and_test_named_exists() -> None:
    rows = ROW.findall((ROOT / "docs" / "parity.md").read_text(encoding="utf-8"))
    assert len(rows) > 50
    addresses = served()
    for number, _, page, shown in rows:
        if page.startswith("`"):
            assert re.sub(r"<[^>]+>", "<>", page.strip("`")) in addresses, number
        if shown:
            path, _, name = shown.strip("`").partition("::")
            assert (ROOT / path).exists(), number
            if name:
                assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), number
        else:
            assert "not yet" in page, number
