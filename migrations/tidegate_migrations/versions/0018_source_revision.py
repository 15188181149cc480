"""Which copy of an order is here: an older one that comes late is not taken.

Revision ID: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sales_order", sa.Column("source_revision", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("sales_order") as table:
        table.drop_column("source_revision")
