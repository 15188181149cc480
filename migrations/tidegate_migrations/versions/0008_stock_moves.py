"""The units on hand have a history, reservations may end by themselves, answers to idempotency keys are kept.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
INSTANT = sa.DateTime(timezone=True)
OPENING = """
INSERT INTO stock_move (tenant_id, warehouse_id, sku, kind, units, at, source)
SELECT tenant_id, warehouse_id, sku, 'opening', on_hand, updated_at, 'upgrade' FROM stock
"""


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "stock_move",
        sa.Column("id", KEY, nullable=False),
        sa.Column("warehouse_id", KEY, nullable=False),
        sa.Column("sku", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("order_id", KEY, nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("reference", sa.String(length=160), nullable=True),
        sa.Column("tenant_id", KEY, nullable=False),
        _foreign("stock_move", "warehouse_id", "warehouse"),
        _foreign("stock_move", "order_id", "sales_order"),
        _foreign("stock_move", "tenant_id", "tenant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_move")),
        sa.UniqueConstraint(
            "tenant_id",
            "source",
            "reference",
            name=op.f("uq_stock_move_tenant_id_source_reference"),
        ),
    )
    op.create_index("ix_stock_move_level", "stock_move", ["tenant_id", "sku", "warehouse_id", "id"])
    op.execute(OPENING)
    op.create_table(
        "kept_answer",
        sa.Column("id", KEY, nullable=False),
        sa.Column("scope", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("asked", sa.String(length=64), nullable=False),
        sa.Column("answer", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        _foreign("kept_answer", "tenant_id", "tenant"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_answer")),
        sa.UniqueConstraint(
            "tenant_id", "scope", "key", name=op.f("uq_kept_answer_tenant_id_scope_key")
        ),
    )
    op.create_index("ix_kept_answer_age", "kept_answer", ["tenant_id", "created_at"])
    # Columns one by one: a table made anew on SQLite would lose its CHECK constraints.
    op.add_column("reservation", sa.Column("expires_at", INSTANT, nullable=True))
    op.create_index(
        "ix_reservation_expiry",
        "reservation",
        ["tenant_id", "expires_at"],
        sqlite_where=sa.text("state = 'active' AND expires_at IS NOT NULL"),
        postgresql_where=sa.text("state = 'active' AND expires_at IS NOT NULL"),
    )
    missing = sa.Column("missing", sa.Integer(), nullable=False, server_default=sa.text("0"))
    op.add_column("stock", missing)


def downgrade() -> None:
    op.drop_column("stock", "missing")
    op.drop_index("ix_reservation_expiry", "reservation")
    op.drop_column("reservation", "expires_at")
    op.drop_table("kept_answer")
    op.drop_table("stock_move")
