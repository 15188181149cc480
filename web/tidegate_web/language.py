"""The words of the pages: one YAML file per area, each key with zh and en; the reader's choice by cookie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from flask import Flask, current_app, g, request

from tidegate.simple_yaml import plain

LANGUAGES = ("zh", "en")
COOKIE = "tidegate_language"
TAGS = {"zh": "zh-CN", "en": "en"}


def install(app: Flask, default: str) -> None:
    app.config["DEFAULT_LANGUAGE"] = default if default in LANGUAGES else "zh"
    catalogue()  # a broken file is noticed at start, not on a page
    app.jinja_env.globals.update(t=t, lang=lang, lang_tag=lambda: TAGS[lang()], known=known)
    app.jinja_env.filters["pick"] = pick


def lang() -> str:
    """zh or en: the cookie, else what the browser prefers, else the default."""
    if "lang" not in g:
        g.lang = _chosen()
    found: str = g.lang
    return found


def _chosen() -> str:
    cookie = request.cookies.get(COOKIE, "")
    if cookie in LANGUAGES:
        return cookie
    default: str = current_app.config["DEFAULT_LANGUAGE"]
    for tag in request.accept_languages.values():
        found = tag.lower().partition("-")[0]
        if found in LANGUAGES:
            return found
    return default


def pick(words: Mapping[str, str] | str | None) -> str:
    """The reader's language of a name that exists in both."""
    if words is None or isinstance(words, str):
        return words or ""
    return words[lang()]


def t(key: str, /, **values: Any) -> str:
    """The text of `key`; `n` chooses between one and other in English."""
    return text_of(key, lang(), **values)


def text_of(key: str, language: str, /, **values: Any) -> str:
    found: Any = catalogue()[key][language]
    if isinstance(found, Mapping):
        found = found["one" if values.get("n") in (1, "1") else "other"]
    return str(found).format(**values) if values else str(found)


def known(key: str, otherwise: str) -> str:
    """The text of `key` if there is one: for codes that come from outside."""
    return t(key) if key in catalogue() else otherwise


@cache
def catalogue() -> Mapping[str, Mapping[str, Any]]:
    """All texts by dotted key (`board.title`), gathered from texts/*.yaml."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted((files("tidegate_web") / "texts").iterdir(), key=lambda each: each.name):
        if path.name.endswith(".yaml"):
            found.update(_leaves(plain(path.read_text(encoding="utf-8"))))
    return found


def _leaves(document: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, value in document.items():
        if not isinstance(value, Mapping):
            raise ValueError(f"{path}{key} is neither a group nor a text in zh and en")
        if set(value) & set(LANGUAGES):
            yield f"{path}{key}", value
        else:
            yield from _leaves(value, f"{path}{key}.")
