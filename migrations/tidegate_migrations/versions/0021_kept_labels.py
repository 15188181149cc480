"""Labels that carriers gave, sealed, and which of them a print used; what carriers said a parcel would cost.

Revision ID: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "kept_label",
        sa.Column("id", KEY, nullable=False),
        sa.Column("parcel_id", KEY, nullable=False),
        sa.Column("waybill_no", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("template", sa.String(length=300), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("fetched_at", INSTANT, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["parcel_id"], ["parcel.id"], name=op.f("fk_kept_label_parcel_id_parcel")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_kept_label_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_label")),
        sa.UniqueConstraint(
            "parcel_id", "waybill_no", name=op.f("uq_kept_label_parcel_id_waybill_no")
        ),
    )
    op.create_index("ix_kept_label_old", "kept_label", ["fetched_at"])
    op.add_column("print_record", sa.Column("label_id", sa.BigInteger(), nullable=True))
    op.create_table(
        "carrier_quote",
        sa.Column("id", KEY, nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("lane", sa.String(length=200), nullable=False),
        sa.Column("weight_g", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("prices", JSON, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("until_at", INSTANT, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_carrier_quote_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier_quote")),
        sa.UniqueConstraint(
            "tenant_id", "account", "lane", "weight_g",
            name=op.f("uq_carrier_quote_tenant_id_account_lane_weight_g"),
        ),
    )  # fmt: skip
    op.create_index("ix_carrier_quote_old", "carrier_quote", ["until_at"])
    op.add_column("parcel", sa.Column("cost_source", sa.String(length=10), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("parcel") as table:
        table.drop_column("cost_source")
    op.drop_table("carrier_quote")
    with op.batch_alter_table("print_record") as table:
        table.drop_column("label_id")
    op.drop_table("kept_label")
