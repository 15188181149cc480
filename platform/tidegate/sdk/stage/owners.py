"""The page of consent of a protocol server, and the shop's owner who sits before it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from tidegate.sdk.stage.server import Asked, Told, told

REFUSES = "x-owner-refuses"  # a query parameter by which a browser plays the owner who says no


class Foreign(Exception):
    """The address names another app, another callback or a wrong signature; the page would say so."""


class OwnersPage:
    """`callback` is the address registered for the app at the platform. A platform adds `owner_says`."""

    callback = ""

    def owner_says(self, path: str, query: Mapping[str, str], *, agrees: bool) -> dict[str, str]:
        """What is put behind the callback. Raises Foreign."""
        raise NotImplementedError

    def consent(self, address: str, *, agrees: bool = True) -> str:
        """Raises Foreign."""
        parts = urlsplit(address)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if query.get("redirect_uri", self.callback) != self.callback:
            raise Foreign("another callback")
        return f"{self.callback}?{urlencode(self.owner_says(parts.path, query, agrees=agrees))}"

    def shown(self, asked: Asked) -> Told:
        """The same for a browser: it is sent back at once."""
        try:
            back = self.consent(asked.target, agrees=REFUSES not in asked.query)
        except Foreign as foreign:
            return told({"error": str(foreign)}, 400, "bad_signature")
        return Told(302, b"", headers={"Location": back})
