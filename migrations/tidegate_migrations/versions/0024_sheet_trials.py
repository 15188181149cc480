"""Previews of big spreadsheets by a job: how far it is, stopped or failed.

Revision ID: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
COLUMNS = ("trial_run", "trial_state", "trial_read", "trial_said")


def upgrade() -> None:
    op.add_column(
        "sheet_file", sa.Column("trial_run", sa.String(32), nullable=False, server_default="")
    )
    op.add_column(
        "sheet_file", sa.Column("trial_state", sa.String(10), nullable=False, server_default="")
    )
    op.add_column(
        "sheet_file", sa.Column("trial_read", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("sheet_file", sa.Column("trial_said", JSON, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("sheet_file") as table:
        for name in COLUMNS:
            table.drop_column(name)
