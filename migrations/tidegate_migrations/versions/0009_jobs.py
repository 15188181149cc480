"""Jobs: payload version, who runs them since when, what people noted; schedules.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
READY = sa.text("state = 'ready'")
ADDED = (
    ("worker", sa.String(length=120)),
    ("started_at", INSTANT),
    ("finished_at", INSTANT),
    ("sent_at", INSTANT),
    ("note", sa.Text()),
    ("noted_by", sa.String(length=120)),
)


def upgrade() -> None:
    op.add_column("job", sa.Column("v", sa.Integer(), server_default="1", nullable=False))
    for name, kind in ADDED:
        op.add_column("job", sa.Column(name, kind, nullable=True))
    op.create_index(
        "ix_job_ready", "job", ["tenant_id", "name", "due_at"],
        sqlite_where=READY, postgresql_where=READY,
    )  # fmt: skip
    op.create_table(
        "schedule",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=True),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_schedule_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_schedule_tenant_id_name")),
    )


def downgrade() -> None:
    """Dropped jobs become done ones: the older version knows no such state."""
    op.execute("UPDATE job SET state = 'done' WHERE state = 'dropped'")
    op.drop_table("schedule")
    op.drop_index("ix_job_ready", table_name="job")
    with op.batch_alter_table("job") as table:
        for name, _ in reversed(ADDED):
            table.drop_column(name)
        table.drop_column("v")
