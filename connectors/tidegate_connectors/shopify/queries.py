"""What is asked of Shopify, in its own language (GraphQL Admin API)."""

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
lineItems(first: 50) {{ {LINES} }}
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
  order(id: $id) {{ lineItems(first: 250, after: $after) {{ {LINES} }} }}
}}
"""
PARCELS = """
query Parcels($id: ID!) {
  order(id: $id) {
    fulfillments(first: 100) { id status trackingInfo { number company } }
    fulfillmentOrders(first: 50) {
      nodes {
        id status
        lineItems(first: 250) { nodes { id remainingQuantity lineItem { id } } }
      }
    }
  }
}
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
