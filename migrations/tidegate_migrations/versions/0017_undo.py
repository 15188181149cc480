"""A draft remembers its text before the last save, so that this can be taken back.

Revision ID: 0017
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rule_draft", sa.Column("text_before", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("rule_draft", "text_before")
