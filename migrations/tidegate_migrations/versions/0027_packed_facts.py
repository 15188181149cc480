"""A decision's facts stand packed: they are two thirds of what is read never again, and were kept as plain text.

Decisions of before keep theirs in `facts`: rewriting them would lock a large table for long, and both are read.

Revision ID: 0027
"""

import json
import zlib

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tidegate.store.packing import unpacked

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("packed_facts", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Facts and traces as the version before reads them: without the words that they were packed with."""
    connection = op.get_bind()
    decision = sa.table(
        "decision", sa.column("id", sa.BigInteger), sa.column("packed_facts", sa.LargeBinary),
        sa.column("rules", sa.LargeBinary),
        sa.column("facts", sa.JSON().with_variant(JSONB(), "postgresql")),
    )  # fmt: skip
    last = 0
    while rows := connection.execute(
        sa.select(decision).where(decision.c.packed_facts.is_not(None), decision.c.id > last)
        .order_by(decision.c.id).limit(1_000)
    ).all():  # fmt: skip
        for row in rows:
            values = {"facts": unpacked(row.packed_facts), "rules": plainly(row.rules)}
            connection.execute(sa.update(decision).where(decision.c.id == row.id).values(**values))
        last = rows[-1].id
    with op.batch_alter_table("decision") as table:
        table.drop_column("packed_facts")


def plainly(rules: bytes | None) -> bytes | None:
    if rules is None:
        return None
    return zlib.compress(json.dumps(unpacked(rules), separators=(",", ":")).encode("ascii"), 1)
