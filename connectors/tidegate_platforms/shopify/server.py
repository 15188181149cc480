"""The shop's interface: token first, then points, then the operation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidegate.sdk.stage.owners import Foreign, OwnersPage
from tidegate.sdk.stage.protocol import Fault, SampleOrder, SignedPush, ToldShipment
from tidegate.sdk.stage.server import Asked, StageServer, Told, told
from tidegate_platforms.shopify import documents
from tidegate_platforms.shopify.points import PER_MUTATION, PER_OBJECT, Points
from tidegate_platforms.shopify.shop import ORDER, Held, Shop, UserError

TOKEN, CLIENT_SECRET = "shpat_canary_7d2f", "demo_shared_secret"
CLIENT_ID, SHOP = "c1d2e3f4a5b6", "north-bank.myshopify.com"
CONSENT, GRANTS = "/admin/oauth/authorize", "/admin/oauth/access_token"
SCOPES = "read_orders,write_merchant_managed_fulfillment_orders,read_products,write_inventory"
DAY_S = 86_399
LOCATION = "655441491"
NAMES = {
    "Orders": "orders.list", "Order": "orders.get", "Lines": "orders.lines",
    "Parcels": "parcels.get", "OpenLines": "parcels.lines", "Fulfill": "fulfillments.add", "Variants": "variants.find",
    "SetStock": "stock.set", "Shop": "shop.get",
}  # fmt: skip
PATH = re.compile(r"/admin/api/20\d\d-(01|04|07|10)/graphql\.json")
OPERATION = re.compile(r"\s*(?:query|mutation)\s+(\w+)")


class ShopifyServer(OwnersPage, StageServer):
    """What it holds is in `shop`; `points` are what queries cost."""

    def __init__(self) -> None:
        super().__init__()
        self.shop, self.points, self.token = Shop(), Points(), TOKEN
        self.scopes = SCOPES  # what the owner gives
        self._codes: set[str] = set()
        self._given = 0
        self._work: Mapping[str, Callable[[Any], dict[str, Any]]] = {
            "orders.list": self._list, "orders.get": self._get, "orders.lines": self._lines,
            "parcels.get": self._parcels, "parcels.lines": self._open_lines, "fulfillments.add": self._fulfill,
            "variants.find": self._variants, "stock.set": self._set_stock,
            "shop.get": lambda _: {"shop": {"name": "North Bank", "currencyCode": "USD"}},
        }  # fmt: skip

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "shop": "north-bank", "grant": "client", "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET, "url": self.url, "page_size": "10",
            "location_id": LOCATION,
        }  # fmt: skip

    def unauthorised(self) -> Mapping[str, str]:
        return {"grant": "owner"}

    @property
    def samples(self) -> Mapping[str, str]:
        return {"carrier": "SF", "secret": "client_secret"}

    def api_of(self, asked: Asked) -> str:
        if asked.path in (CONSENT, GRANTS):
            return asked.path.removeprefix("/admin/").replace("/", ".")
        try:
            match = OPERATION.match(str(asked.json()["query"]))
        except (ValueError, KeyError, TypeError):
            return "unknown"
        return NAMES.get(match[1], "unknown") if match else "unknown"

    def answer(self, asked: Asked, api: str) -> Told:
        if asked.path == CONSENT:
            return self.shown(asked)
        if asked.path == GRANTS:
            return self._grant(asked.form)
        if not PATH.fullmatch(asked.path):
            return told({"errors": "Not Found"}, 404, "refused")
        if asked.headers.get("x-shopify-access-token") != self.token:
            return told({"errors": "[API] Invalid API key or access token"}, 401, "bad_signature")
        if api not in self._work:
            return self._errors("undefinedField", "Field doesn't exist", "refused")
        variables = asked.json().get("variables") or {}
        cost = _cost(api, variables)
        if not self.points.take(cost):
            return self._throttled(cost)
        data = self._work[api](variables)
        return told({"data": data, "extensions": {"cost": self.points.told(cost)}})

    def say(self, fault: Fault, asked: Asked, api: str) -> Told:
        if asked.path == GRANTS:
            status = {Fault.THROTTLED: 429, Fault.BUSY: 503, Fault.REFUSED: 422}.get(fault, 401)
            return told({"error": fault.value}, status, fault.value)
        if fault is Fault.EXPIRED:
            return told({"errors": "[API] Invalid API key or access token"}, 401, "expired")
        if fault is Fault.THROTTLED:
            return self._throttled(100.0)
        if fault is Fault.BUSY:
            return self._errors("INTERNAL_SERVER_ERROR", "Internal error", "busy")
        return self._errors("undefinedField", "Field doesn't exist", "refused")

    # what the suite does and sees

    def owner_says(self, path: str, query: Mapping[str, str], *, agrees: bool) -> dict[str, str]:
        if path != CONSENT or query.get("client_id") != CLIENT_ID or not query.get("scope"):
            raise Foreign("another app")
        if not agrees:
            return self._proven({"error": "access_denied", "state": query["state"]})
        self._codes.add(code := uuid.uuid4().hex)
        return self._proven({"code": code, "state": query["state"]})

    def _proven(self, told_back: dict[str, str]) -> dict[str, str]:
        """The document's own words: other parameters by name, joined like a query, hex HMAC of the client secret."""
        fields = {**told_back, "shop": SHOP, "timestamp": str(int(self.now().timestamp()))}
        text = "&".join("=".join(pair) for pair in sorted(fields.items()))
        proof = hmac.new(CLIENT_SECRET.encode(), text.encode(), hashlib.sha256)
        return {**fields, "hmac": proof.hexdigest()}

    def expire_tokens(self) -> None:
        self.token = f"shpat_over_{self._given}"

    def _grant(self, form: Mapping[str, str]) -> Told:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return told({"error": "invalid_client"}, 401, "bad_signature")
        own = form.get("grant_type") == "client_credentials"
        if not own and form.get("code") not in self._codes:
            return told({"error": "invalid_request"}, 400, "refused")
        self._codes.discard(form.get("code", ""))
        self._given += 1
        self.token = f"shpat_given_{self._given}"
        made = {"access_token": self.token, "scope": self.scopes}
        return told({**made, "expires_in": DAY_S} if own else made)

    def place(self, order: SampleOrder) -> None:
        with self._lock:
            self.shop.put(order)

    def shipped(self) -> Sequence[ToldShipment]:
        return [
            ToldShipment(number, str(parcel["company"]), str(parcel["number"]))
            for number, held in self.shop.held.items()
            for parcel in held.parcels
        ]

    def put_stock(self, sku: str, available: int) -> None:
        self.shop.stock[sku] = available

    def stock(self) -> Mapping[str, int]:
        return dict(self.shop.stock)

    def order_push(self, number: str) -> SignedPush:
        held = self.shop.held[number]
        rest = f'"name":"#{number[-4:]}","shipping_address":{{"name":"{held.sample.name}"}}'
        rest += f',"updated_at":"{held.updated_at.isoformat()}"'
        return self.push("orders/updated", f'{{"id":{number},{rest}}}'.encode())

    @property
    def push_secret(self) -> tuple[str, str]:
        return "", CLIENT_SECRET

    def signed_push(self, body: bytes) -> SignedPush:
        return self.push("orders/updated", body)

    def push(self, topic: str, body: bytes) -> SignedPush:
        signed = hmac.new(CLIENT_SECRET.encode(), body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Hmac-Sha256": base64.standard_b64encode(signed).decode(),
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": "north-bank.myshopify.com",
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Triggered-At": self.now().isoformat().replace("+00:00", "Z"),
        }
        return SignedPush(headers, body)

    # operations

    def _held(self, variables: Any) -> Held | None:
        return self.shop.held.get(str(variables["id"]).removeprefix(ORDER))

    def _list(self, variables: Any) -> dict[str, Any]:
        rows, after = self.shop.page(
            variables["query"], int(variables["first"]), variables.get("after")
        )
        info = {"hasNextPage": after is not None, "endCursor": after}
        return {"orders": {"pageInfo": info, "nodes": [documents.order(one) for one in rows]}}

    def _get(self, variables: Any) -> dict[str, Any]:
        held = self._held(variables)
        return {"order": documents.order(held) if held else None}

    def _lines(self, variables: Any) -> dict[str, Any]:
        held = self._held(variables)
        after = int(variables["after"])
        return {"order": {"lineItems": documents.lines(held, after)} if held else None}

    def _parcels(self, variables: Any) -> dict[str, Any]:
        held = self._held(variables)
        return {"order": documents.parcels(held, self.shop) if held else None}

    def _open_lines(self, variables: Any) -> dict[str, Any]:
        held = self.shop.held[str(variables["id"]).rpartition("/")[2]]
        after = int(variables["after"])
        return {"fulfillmentOrder": {"lineItems": documents.open_lines(held, self.shop, after)}}

    def _fulfill(self, variables: Any) -> dict[str, Any]:
        try:
            held = self.shop.fulfill(variables["fulfillment"], self.now())
        except UserError as error:
            problem = {"field": ["fulfillment"], "message": str(error)}
            return {"fulfillmentCreate": {"fulfillment": None, "userErrors": [problem]}}
        made = {"id": f"gid://shopify/Fulfillment/{len(held.parcels)}", "status": "SUCCESS"}
        return {"fulfillmentCreate": {"fulfillment": made, "userErrors": []}}

    def _variants(self, variables: Any) -> dict[str, Any]:
        """Words are found anywhere and in any case, as a search does."""
        words = [word.lower() for word in re.findall(r'sku:"([^"]*)"', variables["query"])]
        nodes = [
            {"sku": sku, "inventoryItem": {"id": f"gid://shopify/InventoryItem/{sku}"}}
            for sku in self.shop.stock
            if any(sku.lower().startswith(word) for word in words)
        ]
        return {"productVariants": {"nodes": nodes}}

    def _set_stock(self, variables: Any) -> dict[str, Any]:
        wanted, errors = variables["input"], []
        if not variables.get("key") or wanted.get("name") != "available":
            errors.append({"field": ["input"], "message": "invalid", "code": "INVALID"})
        for row in wanted["quantities"]:
            if row["locationId"] != f"gid://shopify/Location/{LOCATION}":
                problem = {"field": ["locationId"], "message": "not found"}
                errors.append({**problem, "code": "INVALID_LOCATION"})
        if not errors:
            for row in wanted["quantities"]:
                sku = str(row["inventoryItemId"]).rpartition("InventoryItem/")[2]
                self.shop.stock[sku] = int(row["quantity"])
        group = None if errors else {"id": "gid://shopify/InventoryAdjustmentGroup/1"}
        return {"inventorySetQuantities": {"inventoryAdjustmentGroup": group, "userErrors": errors}}

    def _throttled(self, cost: float) -> Told:
        document = {
            "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
            "extensions": {"cost": {**self.points.told(cost), "actualQueryCost": None}},
        }
        return told(document, outcome="throttled")

    def _errors(self, code: str, message: str, outcome: str) -> Told:
        errors = [{"message": message, "extensions": {"code": code}}]
        return told({"errors": errors}, outcome=outcome)


def _cost(api: str, variables: Any) -> float:
    """Roughly as Shopify counts: objects that are asked for, mutations at a flat price."""
    if api in ("fulfillments.add", "stock.set"):
        return PER_MUTATION
    return 2.0 + PER_OBJECT * float(variables.get("first", 1)) * (1 + 10 * (api == "orders.list"))
