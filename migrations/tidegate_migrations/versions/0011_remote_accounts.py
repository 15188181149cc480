"""Accounts at platforms with their tokens, breakers and calls.

Revision ID: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "connector_account",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("connector", sa.String(40), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("shop_id", KEY, nullable=True),
        sa.Column("settings", DOCUMENT, nullable=False),
        sa.Column("credentials", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("clock_offset_ms", sa.Integer(), nullable=True),
        sa.Column("clock_at", INSTANT, nullable=True),
        sa.Column("checked_at", INSTANT, nullable=True),
        sa.Column("check_code", sa.String(80), nullable=False),
        sa.Column("changed_by", sa.String(80), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        _to("connector_account", "shop_id", "shop"),
        _to("connector_account", "tenant_id", "tenant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connector_account")),
        sa.UniqueConstraint("tenant_id", "code", name=op.f("uq_connector_account_tenant_id_code")),
    )
    op.create_table(
        "account_token",
        sa.Column("id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("lease", sa.String(32), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("tenant_id", KEY, nullable=False),
        _to("account_token", "account_id", "connector_account"),
        _to("account_token", "tenant_id", "tenant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_token")),
        sa.UniqueConstraint("account_id", name=op.f("uq_account_token_account_id")),
    )
    op.create_table(
        "remote_breaker",
        sa.Column("id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("api_group", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("since_at", INSTANT, nullable=False),
        sa.Column("until_at", INSTANT, nullable=True),
        sa.Column("probe_until", INSTANT, nullable=True),
        sa.Column("open_s", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        _to("remote_breaker", "account_id", "connector_account"),
        _to("remote_breaker", "tenant_id", "tenant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remote_breaker")),
        sa.UniqueConstraint(
            "account_id", "api_group", name=op.f("uq_remote_breaker_account_id_api_group")
        ),
    )
    op.create_table(
        "remote_call",
        sa.Column("id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("api", sa.String(80), nullable=False),
        sa.Column("api_group", sa.String(40), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(80), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        _to("remote_call", "account_id", "connector_account"),
        _to("remote_call", "tenant_id", "tenant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remote_call")),
    )
    op.create_index("ix_remote_call_recent", "remote_call", ["account_id", "api_group", "at"])
    op.create_index("ix_remote_call_list", "remote_call", ["account_id", "id"])


def downgrade() -> None:
    for table in ("remote_call", "remote_breaker", "account_token", "connector_account"):
        op.drop_table(table)
