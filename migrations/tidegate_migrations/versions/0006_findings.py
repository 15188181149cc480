"""Which version an accepted finding was seen in and who took the acceptance back; the last save of a table, to undo.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("accepted_finding") as table:
        table.add_column(sa.Column("hash", sa.String(length=64), nullable=False, server_default=""))
        table.add_column(sa.Column("withdrawn_by", sa.String(length=120), nullable=True))
    op.create_table(
        "table_undo",
        sa.Column("id", KEY, nullable=False),
        sa.Column("set_id", sa.String(length=80), nullable=False),
        sa.Column("table_id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_table_undo_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_table_undo")),
        sa.UniqueConstraint("tenant_id", "set_id", name=op.f("uq_table_undo_tenant_id_set_id")),
    )


def downgrade() -> None:
    op.drop_table("table_undo")
    with op.batch_alter_table("accepted_finding") as table:
        table.drop_column("withdrawn_by")
        table.drop_column("hash")
