"""A row that readiness writes, marks of restored backups, indexes of what is open.

Revision ID: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("state NOT IN ('delivered', 'returned', 'rejected', 'cancelled', 'lost')")
UNCLEAR = sa.text("state IN ('intent', 'sending', 'unknown')")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "write_probe",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("written_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_probe")),
    )
    op.create_table(
        "restore_mark",
        sa.Column("id", KEY, nullable=False),
        sa.Column("tag", sa.String(length=12), nullable=False),
        sa.Column("parcels_up_to", sa.BigInteger(), nullable=False),
        sa.Column("backed_up_at", INSTANT, nullable=False),
        sa.Column("restored_at", INSTANT, nullable=False),
        sa.Column("reconciled_at", INSTANT, nullable=True),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("adopted", sa.Integer(), nullable=False),
        sa.Column("parked", sa.Integer(), nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_restore_mark_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restore_mark")),
    )
    op.create_index("ix_restore_mark_tenant", "restore_mark", ["tenant_id", "restored_at"])
    _partial("ix_sales_order_open", "sales_order", ["state", "state_since"], OPEN)
    resolved = sa.text("resolved_at IS NOT NULL")
    _partial("ix_alert_resolved", "alert", ["tenant_id", "resolved_at"], resolved)
    _partial("ix_effect_unclear", "effect", ["state", "updated_at"], UNCLEAR)


def _partial(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_effect_unclear", "effect")
    op.drop_index("ix_alert_resolved", "alert")
    op.drop_index("ix_sales_order_open", "sales_order")
    op.drop_table("restore_mark")
    op.drop_table("write_probe")
