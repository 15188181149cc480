"""Lanes of jobs that call somebody; the chain over what people did.

Revision ID: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HELD = sa.text("state = 'leased' AND lane IS NOT NULL")


def upgrade() -> None:
    op.add_column("job", sa.Column("lane", sa.String(length=80), nullable=True))
    op.create_index(
        "ix_job_lane", "job", ["tenant_id", "lane"], sqlite_where=HELD, postgresql_where=HELD
    )
    op.create_table(
        "audit_link",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_audit_link_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_audit_link_tenant_id_number")),
    )
    op.create_index("ix_audit_link_row", "audit_link", ["tenant_id", "source", "row_id"])
    op.create_table(
        "audit_head",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_audit_head_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_audit_head")),
    )


def downgrade() -> None:
    op.drop_table("audit_head")
    op.drop_table("audit_link")
    op.drop_index("ix_job_lane", "job")
    op.drop_column("job", "lane")
