"""Spreadsheet shops: uploaded files, kept mappings, waybill files.

Revision ID: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _table(
        "sheet_file",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("layout", JSON, nullable=False),
        sa.Column("mapping_id", KEY, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("tried", JSON, nullable=False),
        sa.Column("report", JSON, nullable=False),
        sa.Column("uploaded_by", sa.String(length=80), nullable=False),
        sa.Column("uploaded_at", INSTANT, nullable=False),
        sa.Column("began_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
    )
    op.create_index("ix_sheet_file_list", "sheet_file", ["account_id", "id"])
    op.create_index("ix_sheet_file_old", "sheet_file", ["tenant_id", "uploaded_at"])
    _table(
        "sheet_mapping",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("shape", sa.String(length=64), nullable=False),
        sa.Column("layout", JSON, nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=False),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_sheet_mapping_account_id_name")),
    )
    _table(
        "waybill_file",
        sa.Column("parcels", JSON, nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
    )
    op.create_index("ix_waybill_file_list", "waybill_file", ["account_id", "id"])


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    """A table of a tenant whose rows belong to an account."""
    op.create_table(
        name,
        sa.Column("id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        *parts,
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connector_account.id"],
            name=op.f(f"fk_{name}_account_id_connector_account"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f(f"fk_{name}_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def downgrade() -> None:
    for name in ("waybill_file", "sheet_mapping", "sheet_file"):
        op.drop_table(name)
