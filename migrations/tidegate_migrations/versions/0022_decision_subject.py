"""Decisions about something that is no order: which connection.

Revision ID: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("subject_key", sa.String(80), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("decision") as table:
        table.drop_column("subject_key")
