"""The traces of a decision stand apart from its result, compressed.

Decisions of before keep theirs in `result`: rewriting them would lock a large table for long, and both are read.

Revision ID: 0025
"""

import json
import zlib

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("rules", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    connection = op.get_bind()
    decision = sa.table(
        "decision", sa.column("id", sa.BigInteger), sa.column("rules", sa.LargeBinary),
        sa.column("result", sa.JSON().with_variant(JSONB(), "postgresql")),
    )  # fmt: skip
    last = 0
    while rows := connection.execute(
        sa.select(decision).where(decision.c.rules.is_not(None), decision.c.id > last)
        .order_by(decision.c.id).limit(1_000)
    ).all():  # fmt: skip
        for row in rows:
            result = dict(row.result) | {"rules": json.loads(zlib.decompress(row.rules))}
            result.pop("fired", None)
            connection.execute(
                sa.update(decision).where(decision.c.id == row.id).values(result=result)
            )
        last = rows[-1].id
    with op.batch_alter_table("decision") as table:
        table.drop_column("rules")
