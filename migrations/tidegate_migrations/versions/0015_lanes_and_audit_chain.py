"""Lanes of jobs that call somebody.

Revision ID: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

HELD = sa.text("state = 'leased' AND lane IS NOT NULL")


def upgrade() -> None:
    op.add_column("job", sa.Column("lane", sa.String(length=80), nullable=True))
    op.create_index(
        "ix_job_lane", "job", ["tenant_id", "lane"], sqlite_where=HELD, postgresql_where=HELD
    )


def downgrade() -> None:
    op.drop_index("ix_job_lane", "job")
    op.drop_column("job", "lane")
