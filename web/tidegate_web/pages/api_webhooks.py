"""/api/v1/webhooks and /api/v1/hooks: whom we call, what went out, and who may call us."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from tidegate.services.hooks import addresses, messages
from tidegate.services.hooks.addresses import Address
from tidegate.services.hooks.messages import Message
from tidegate.services.webhooks import deliveries, endpoints
from tidegate.services.webhooks.deliveries import Delivery
from tidegate.services.webhooks.endpoints import Endpoint
from tidegate_web import desk
from tidegate_web.api import answers
from tidegate_web.api import webhook_bodies as bodies
from tidegate_web.api.operations import operation
from tidegate_web.api.shapes import schema_of
from tidegate_web.webhook_rights import checked_personal

pages = Blueprint("api_webhooks", __name__, url_prefix="/api/v1")


@operation(pages, "GET", "/webhooks", answer=schema_of(Endpoint), paged=True)
def every(query: Any) -> Any:
    """Endpoints that are told when something happens."""
    return endpoints.endpoints(desk.context()), query


@operation(
    pages, "POST", "/webhooks", body=bodies.NewEndpoint, answer=answers.NewSecret, status=201
)
def create(body: Any) -> Any:
    """A new endpoint.

    The answer is the only one that shows the secret with which signatures are checked (Standard Webhooks).
    """
    endpoint_id, secret = endpoints.create(
        desk.context(), body["name"], body["url"], body["events"], desk.actor(),
        personal=checked_personal(body["personal"]),
    )  # fmt: skip
    return {"id": endpoint_id, "secret": secret}


@operation(pages, "GET", "/webhooks/<int:endpoint_id>", answer=schema_of(Endpoint))
def one(endpoint_id: int) -> Any:
    """One endpoint."""
    return endpoints.endpoint(desk.context(), endpoint_id)


@operation(pages, "PUT", "/webhooks/<int:endpoint_id>", body=bodies.NewEndpoint, status=204)
def change(endpoint_id: int, body: Any) -> Any:
    """Another name, address, choice of events or right."""
    before = endpoints.endpoint(desk.context(), endpoint_id).personal
    endpoints.change(
        desk.context(), endpoint_id, body["name"], body["url"], body["events"], desk.actor(),
        personal=body["personal"] if before else checked_personal(body["personal"]),
    )  # fmt: skip


@operation(pages, "DELETE", "/webhooks/<int:endpoint_id>", status=204)
def remove(endpoint_id: int) -> Any:
    """Send nothing more to an endpoint."""
    endpoints.remove(desk.context(), endpoint_id, desk.actor())


@operation(pages, "POST", "/webhooks/<int:endpoint_id>/pause", status=204)
def pause(endpoint_id: int) -> Any:
    """Keep events for later."""
    endpoints.pause(desk.context(), endpoint_id, desk.actor())


@operation(pages, "POST", "/webhooks/<int:endpoint_id>/resume", status=204)
def resume(endpoint_id: int) -> Any:
    """Send again, what waits first."""
    endpoints.resume(desk.context(), endpoint_id, desk.actor())


@operation(pages, "POST", "/webhooks/<int:endpoint_id>/rotate", answer=answers.NewSecret)
def rotate(endpoint_id: int) -> Any:
    """A new secret; the former one signs beside it for a day."""
    secret = endpoints.rotate(desk.context(), endpoint_id, desk.actor())
    return {"id": endpoint_id, "secret": secret}


@operation(
    pages,
    "POST",
    "/webhooks/<int:endpoint_id>/test",
    answer=answers.Started,
    status=202,
    errors=[422],
)
def test(endpoint_id: int) -> Any:
    """Send a test; look at the delivery for what came of it."""
    return {"id": endpoints.send_test(desk.context(), endpoint_id)}


@operation(
    pages, "GET", "/webhooks/<int:endpoint_id>/deliveries", query=bodies.InState,
    answer=schema_of(Delivery), paged=True,
)  # fmt: skip
def delivered(endpoint_id: int, query: Any) -> Any:
    """The newest 1,000 deliveries of an endpoint, with their attempts and what was answered."""
    context = desk.context()
    endpoints.endpoint(context, endpoint_id)
    return deliveries.deliveries(context, endpoint_id, query["state"], limit=1_000), query


@operation(pages, "POST", "/deliveries/<int:delivery_id>/replay", status=204)
def replay(delivery_id: int) -> Any:
    """Send a delivery again, under the same webhook-id."""
    deliveries.replay(desk.context(), delivery_id)


@operation(pages, "GET", "/hooks", answer=schema_of(Address), paged=True)
def hooks(query: Any) -> Any:
    """Addresses that platforms call, and what came in."""
    return addresses.addresses(desk.context()), query


@operation(pages, "POST", "/hooks", body=bodies.NewAddress, answer=answers.NewSecret, status=201)
def create_hook(body: Any) -> Any:
    """A new address for an account of a platform; the answer is the only one that shows the secret."""
    address_id, secret = addresses.create(
        desk.context(), body["connector"], body["name"], desk.actor(),
        secret=body["secret"], secret_account=body["secret_account"],
    )  # fmt: skip
    return {"id": address_id, "secret": secret}


@operation(pages, "POST", "/hooks/<int:address_id>/rotate", answer=answers.NewSecret)
def rotate_hook(address_id: int) -> Any:
    """A new path and secret; the former ones work for a day."""
    return {"id": address_id, "secret": addresses.rotate(desk.context(), address_id, desk.actor())}


@operation(pages, "DELETE", "/hooks/<int:address_id>", status=204)
def remove_hook(address_id: int) -> Any:
    """The address answers 404 from now on."""
    addresses.remove(desk.context(), address_id, desk.actor())


@operation(
    pages, "GET", "/hooks/messages", query=bodies.InState, answer=schema_of(Message), paged=True
)
def received(query: Any) -> Any:
    """The newest 1,000 messages of platforms, never their content."""
    return messages.messages(desk.context(), query["state"], limit=1_000), query
