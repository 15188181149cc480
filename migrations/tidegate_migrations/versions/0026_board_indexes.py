"""Indexes of the list of orders and of the board: the newest orders, what came last and lately from each shop, and when
each carrier answered and was heard.

Revision ID: 0026
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_sales_order_newest", "sales_order", ["tenant_id", "id"])
    op.create_index(
        "ix_sales_order_arrival", "sales_order", ["tenant_id", "shop_id", "imported_at"]
    )
    op.create_index("ix_parcel_answered", "parcel", ["tenant_id", "service_code", "waybill_at"])
    op.create_index("ix_scan_heard", "scan", ["tenant_id", "source", "received_at"])


def downgrade() -> None:
    op.drop_index("ix_scan_heard", "scan")
    op.drop_index("ix_parcel_answered", "parcel")
    op.drop_index("ix_sales_order_arrival", "sales_order")
    op.drop_index("ix_sales_order_newest", "sales_order")
