"""Hits of rules by day, and ideas for rules that were put aside.

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def _tenant(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_tenant_id_tenant")
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "rule_hit_day",
        sa.Column("id", KEY, nullable=False),
        sa.Column("set_id", sa.String(length=80), nullable=False),
        sa.Column("rule_id", sa.String(length=160), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("acted", sa.Integer(), nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        _tenant("rule_hit_day"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_hit_day")),
        sa.UniqueConstraint(
            "tenant_id",
            "set_id",
            "rule_id",
            "day",
            name=op.f("uq_rule_hit_day_tenant_id_set_id_rule_id_day"),
        ),
    )
    op.create_table(
        "rule_hit_mark",
        sa.Column("id", KEY, nullable=False),
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        _tenant("rule_hit_mark"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_hit_mark")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_rule_hit_mark_tenant_id")),
    )
    op.create_table(
        "dismissed_idea",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("set_id", sa.String(length=80), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("dismissed_by", sa.String(length=120), nullable=False),
        sa.Column("dismissed_at", INSTANT, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        _tenant("dismissed_idea"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dismissed_idea")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_dismissed_idea_tenant_id_key")),
    )


def downgrade() -> None:
    for table in ("dismissed_idea", "rule_hit_mark", "rule_hit_day"):
        op.drop_table(table)
