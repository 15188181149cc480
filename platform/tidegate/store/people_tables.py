"""Who may do what: people, their tenants and roles, sessions, invitations, tokens, and what happened to them.

Secrets (session ids, invitation links, API tokens) are kept as SHA-256 only: they are long and random, so a
slow hash would buy nothing. Passwords are kept as argon2id.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from tidegate.store.columns import BigKey, JsonColumn, MaybeJson
from tidegate.store.tables import Base, TenantScoped

Shops = list[Any]  # shop ids; NULL in the database: every shop


class Person(Base):
    """Somebody who signs in; may belong to several tenants. `founder` is 1 for the first owner and NULL for all
    others: its unique index lets a second first run fail."""

    __tablename__ = "person"
    __table_args__ = (CheckConstraint("founder = 1", name="one_founder"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    login: Mapped[str] = mapped_column(String(80), unique=True)  # lower case
    name: Mapped[str] = mapped_column(String(80))
    password: Mapped[str] = mapped_column(String(200))  # argon2id, with its parameters
    state: Mapped[str] = mapped_column(String(10), default="active")  # active, disabled
    founder: Mapped[int | None] = mapped_column(Integer, unique=True)
    created_at: Mapped[datetime]
    password_at: Mapped[datetime]


class Membership(TenantScoped, Base):
    """A person's role in a tenant, for all shops or some."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("tenant_id", "person_id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str] = mapped_column(String(20))
    shops: Mapped[Shops | None] = mapped_column(MaybeJson)
    created_at: Mapped[datetime]


class Invitation(TenantScoped, Base):
    """A link that makes its holder a member, once."""

    __tablename__ = "invitation"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    note: Mapped[str] = mapped_column(String(80), default="")  # for whom, in the inviter's words
    role: Mapped[str] = mapped_column(String(20))
    shops: Mapped[Shops | None] = mapped_column(MaybeJson)
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class PersonSession(Base):
    """A signed-in browser. `tenant_id` is the tenant it looks at."""

    __tablename__ = "person_session"
    __table_args__ = (Index("ix_person_session_person", "person_id"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenant.id"))
    agent: Mapped[str] = mapped_column(
        String(40)
    )  # family of browser and system, "Firefox, Windows"
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class ApiToken(TenantScoped, Base):
    """A program's key. `prefix` is shown in lists, the whole key once."""

    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    prefix: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(20))
    shops: Mapped[Shops | None] = mapped_column(MaybeJson)
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SignInAttempt(Base):
    """Failures in a row of one login or one network, under a keyed hash: neither can be read back."""

    __tablename__ = "sign_in_attempt"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    failed_at: Mapped[datetime]


class SecurityEvent(TenantScoped, Base):
    """What happened to accounts and tokens of a tenant; `data` holds roles and codes only."""

    __tablename__ = "security_event"
    __table_args__ = (Index("ix_security_event_at", "tenant_id", "at"),)
    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(80))
    about: Mapped[str] = mapped_column(String(80), default="")  # login or name of the token
    done: Mapped[bool] = mapped_column(Boolean, default=True)
    data: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
