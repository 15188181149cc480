"""People of a shop: an owner made by the first run, others by invitation, each with a browser of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tidegate.services.accounts import founding, invitations

PASSWORD = "潮水退去 才知道 2026"
OWNER = "owner@example.com"


@dataclass
class Somebody:
    """A browser and whoever is signed in in it."""

    desk: Any
    client: Any = field(default=None)

    def __post_init__(self) -> None:
        if self.client is None:
            self.client = self.desk.app.test_client()
            self.client.set_cookie("tidegate_language", "en")

    def get(self, address: str, **headers: str) -> Any:
        return self.client.get(
            address, buffered=True, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    def post(self, address: str, page: str, /, **fields: Any) -> Any:
        """Post with the token of `page`."""
        return self.client.post(address, data={"csrf_token": self.token(page), **fields})

    def token(self, page: str) -> str:
        html = self.get(page).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', html)
        assert found, page
        return found.group(1)

    def sign_in(self, login: str, password: str = PASSWORD, address: str = "/sign-in") -> Any:
        return self.post(address, "/sign-in", login=login, password=password)


@dataclass
class Site:
    """A desk with an owner."""

    desk: Any

    def somebody(self) -> Somebody:
        return Somebody(self.desk)

    def owner(self) -> Somebody:
        found = self.somebody()
        assert found.sign_in(OWNER).status_code == 303
        return found

    def member(
        self, role: str, shops: list[int] | None = None, login: str = "", context: Any = None
    ) -> Somebody:
        """Somebody new who joined by invitation and is signed in."""
        context = context or self.desk.context
        secret = invitations.invite(context, role, shops, "", OWNER)
        found = self.somebody()
        name = login or f"{role}-{len(shops or [])}@example.com"
        answer = found.post(
            f"/join/{secret}", f"/join/{secret}", login=name, name=role,
            password=PASSWORD, again=PASSWORD,
        )  # fmt: skip
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return found


def with_owner(desk: Any) -> Site:
    founding.create_owner(desk.context, OWNER, "Lin Yue", PASSWORD, "test")
    return Site(desk)


@pytest.fixture
def site(desk: Any) -> Site:
    """A copy of the working shop with an owner."""
    return with_owner(desk)


@pytest.fixture
def quiet_site(empty_desk: Any) -> Site:
    """An empty shop with an owner."""
    return with_owner(empty_desk)


@pytest.fixture
def newcomer() -> Callable[[Any], Somebody]:
    return Somebody


@pytest.fixture
def password() -> str:
    return PASSWORD


@pytest.fixture
def owner_login() -> str:
    return OWNER
