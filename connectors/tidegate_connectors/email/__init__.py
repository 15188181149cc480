"""Notices by e-mail, over SMTP with TLS or STARTTLS."""

from __future__ import annotations

from tidegate_connectors.email.mailer import connect

__all__ = ["connect"]
