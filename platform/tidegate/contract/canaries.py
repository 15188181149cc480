"""What must never be seen outside: secrets of the account and the people of the sample orders."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field

from tidegate.errors import TidegateError

NAME, PHONE, ADDRESS = "钱金丝雀", "13987650123", "金丝雀路 77 号"
PEOPLE = {"recipient's name": NAME, "recipient's phone": PHONE, "recipient's address": ADDRESS}
SHORTEST = 6  # shorter secrets are found everywhere by chance


@dataclass
class Overheard:
    """Everything that was written while the checks ran: logs, prints, texts of errors, the record of calls."""

    secrets: dict[str, str] = field(default_factory=dict)  # value -> name of the setting
    places: list[tuple[str, str]] = field(default_factory=list)  # where, text

    def note(self, where: str, text: str) -> None:
        self.places.append((where, text))

    def note_error(self, error: BaseException) -> None:
        """What a page, a log or a JSON answer could show of it."""
        parts = [str(error), repr(error)]
        if isinstance(error, TidegateError):
            parts += [error.code, *error.texts.values(), repr(dict(error.fields))]
        seen = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        self.note("exception", " ".join(parts) + (f" {seen!r}" if seen else ""))

    def keep_secrets(self, secrets: Mapping[str, str]) -> None:
        self.secrets |= {value: name for name, value in secrets.items() if len(value) >= SHORTEST}

    def leaks(self) -> Iterator[tuple[str, str]]:
        """(where, what) without the value."""
        wanted = {**self.secrets, **{value: what for what, value in PEOPLE.items()}}
        for where, text in self.places:
            for value, what in wanted.items():
                if value in text:
                    yield where, what


@contextmanager
def overhearing(heard: Overheard) -> Iterator[None]:
    """Keeps what is printed and logged, from DEBUG on; nothing of it reaches the terminal."""
    out, log = io.StringIO(), io.StringIO()
    handler, root = logging.StreamHandler(log), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(out), redirect_stderr(out):
            yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        heard.note("terminal", out.getvalue())
        heard.note("log", log.getvalue())
