"""A mail server: SMTP with TLS or STARTTLS, logins and repeats known, on sockets of its own."""

from __future__ import annotations

from tidegate_platforms.email.server import MailServer

__all__ = ["MailServer"]
