"""What is asked of Shopify, in its own language (GraphQL Admin API).

A query may cost 1,000 points at most, roughly an object a point: lists inside lists are short and read on.
"""

from __future__ import annotations

MONEY = "{ shopMoney { amount currencyCode } }"
LINES = f"""
pageInfo {{ hasNextPage endCursor }}
nodes {{
  id sku title variantTitle quantity currentQuantity
  variant {{ legacyResourceId }}
  originalUnitPriceSet {MONEY}
  discountedTotalSet {MONEY}
}}
"""
ORDER = f"""
id legacyResourceId name createdAt updatedAt processedAt cancelledAt closedAt
displayFinancialStatus displayFulfillmentStatus currencyCode
totalPriceSet {MONEY}
subtotalPriceSet {MONEY}
totalShippingPriceSet {MONEY}
totalDiscountsSet {MONEY}
totalReceivedSet {MONEY}
totalRefundedSet {MONEY}
note tags
shippingAddress {{ name phone province city address1 address2 zip countryCodeV2 }}
lineItems(first: 10) {{ {LINES} }}
"""
LIST = f"""
query Orders($first: Int!, $after: String, $query: String!) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ {ORDER} }}
  }}
}}
"""
ONE = f"query Order($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}"
MORE_LINES = f"""
query Lines($id: ID!, $after: String!) {{
  order(id: $id) {{ lineItems(first: 100, after: $after) {{ {LINES} }} }}
}}
"""
OPEN_LINES = """
pageInfo { hasNextPage endCursor }
nodes { id remainingQuantity lineItem { id } }
"""
PARCELS = f"""
query Parcels($id: ID!) {{
  order(id: $id) {{
    fulfillments(first: 50) {{ id status trackingInfo {{ number company }} }}
    fulfillmentOrders(first: 10) {{
      nodes {{ id status lineItems(first: 30) {{ {OPEN_LINES} }} }}
    }}
  }}
}}
"""
MORE_OPEN = f"""
query OpenLines($id: ID!, $after: String!) {{
  fulfillmentOrder(id: $id) {{ lineItems(first: 100, after: $after) {{ {OPEN_LINES} }} }}
}}
"""
FULFILL = """
mutation Fulfill($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status }
    userErrors { field message }
  }
}
"""
VARIANTS = """
query Variants($query: String!) {
  productVariants(first: 250, query: $query) { nodes { sku inventoryItem { id } } }
}
"""
SET_STOCK = """
mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { field message code }
  }
}
"""
SHOP = "query Shop { shop { name currencyCode } }"
