"""Orders through the whole chain with an account at a real carrier's interface, played by its protocol server."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import update

from tidegate.bootstrap import open_receivers
from tidegate.jobs.runner import drain
from tidegate.sdk.http.sending import Times
from tidegate.sdk.stage.protocol import Fault, SignedPush
from tidegate.services import labels
from tidegate.services.chain import advance
from tidegate.services.hooks import addresses
from tidegate.services.remotes import accounts, checking
from tidegate.services.remotes.connected import Connected
from tidegate.services.secrets_box import SecretsBox
from tidegate.services.shipping import cancel_order
from tidegate.services.sweeping import sweep
from tidegate.services.tracking import pull_scans
from tidegate.store.remote_tables import RemoteCall
from tidegate.store.tables import CarrierService, Effect, Order, Scan
from tidegate_platforms.kdniao import KDNiaoServer
from tidegate_platforms.sf import SFServer
from tidegate_web.app import create_app

SERVERS: dict[str, Callable[[], Any]] = {"kdniao": KDNiaoServer, "sf": SFServer}
SECRETS = {"kdniao": ("api_key", "demo-key-0001"), "sf": ("check_word", "demoCheckWord123")}
NEVER_SHOWN = ("张三", "13800002291", "文一西路", "demo-key-0001", "demoCheckWord123")


@dataclass
class Carried:
    """The merchant whose parcels go by the account `own` at one platform; pushes come in at `path`."""

    world: Any
    server: Any
    name: str
    path: str
    client: Any

    def order(self) -> int:
        order_id: int = self.world.order(("KETTLE", 1))
        advance(self.world.context, order_id, "received")
        return order_id

    def push(self, pushed: SignedPush) -> Any:
        return self.client.post(self.path, data=pushed.body, headers=dict(pushed.headers))

    def travel(self, order_id: int, *codes: str) -> None:
        """One scan an hour from now on."""
        parcel = self.world.parcel(order_id)
        for code in codes:
            self.world.wait(hours=1)
            self.server.add_scan(
                parcel.carrier, parcel.waybill_no, code, self.world.now, "快件到达"
            )

    def told(self, order_id: int) -> SignedPush:
        parcel = self.world.parcel(order_id)
        found: SignedPush = self.server.scan_push(parcel.carrier, parcel.waybill_no)
        return found


@pytest.fixture
def carried(world: Any) -> Iterator[Callable[[str], Carried]]:
    with ExitStack() as stack:

        def make(name: str) -> Carried:
            server = stack.enter_context(SERVERS[name]())
            field, secret = SECRETS[name]
            reach = replace(
                world.context.reach, trusted=(server.url.partition("//")[2],), times=Times(2, 5, 10)
            )
            world.stock("KETTLE", 5)
            context = replace(world.context, reach=reach, receivers=open_receivers())
            settings = {
                each: value
                for each, value in server.settings.items()
                if each not in (field, "shipper")
            }
            accounts.add(
                context, name, "li", code="own", settings=settings, secrets={field: secret}
            )
            with context.store.begin(context.tenant_id) as work:
                work.session.execute(update(CarrierService).values(connector="own"))
                work.commit()
            world.context = replace(context, carriers=Connected(context))
            addresses.create(
                world.context, name, "主账号", "li", account="own", secret=secret,
                secret_account="test1234567",
            )  # fmt: skip
            app = create_app(world.context, secret_key="k" * 32, testing=True)
            path = addresses.addresses(world.context)[0].path
            return Carried(world, server, name, path, app.test_client())

        yield make


WAYS = {
    "kdniao": ("1", "206", "204", "205", "202", "301"),
    "sf": ("50", "31", "36", "106", "44", "80"),
}


@pytest.mark.parametrize("name", ["kdniao", "sf"])
def test_an_order_goes_from_received_to_delivered(
    carried: Callable[[str], Carried], name: str
) -> None:
    own = carried(name)
    world = own.world
    assert checking.check(world.context, "own").error is None
    order_id = own.order()
    parcel = world.parcel(order_id)
    (made,) = own.server.waybills()
    assert (world.state(order_id), parcel.waybill_no) == ("waybill", made.waybill_no)
    drain(world.context)  # its label is fetched
    assert labels.print_labels(world.context, None, "li").printed == 1

    own.travel(order_id, *WAYS[name][:3])
    half = own.told(order_id)
    own.travel(order_id, *WAYS[name][3:])
    whole = own.told(order_id)
    for pushed in (whole, half, whole):  # out of order and repeated
        assert own.push(pushed).status_code == 200
    drain(world.context)
    assert (world.parcel(order_id).state, world.state(order_id)) == ("delivered", "delivered")
    assert world.count(Scan) == len(WAYS[name])
    assert pull_scans(world.context) == 0  # it has no list of scans to pull, and that stops nobody

    calls = world.all(RemoteCall)
    assert "waybill.create" in [one.api for one in calls]
    said = " ".join(f"{one.request}{one.answer}{one.code}" for one in calls)
    assert [word for word in NEVER_SHOWN if word in said] == []


@pytest.mark.parametrize("name", ["kdniao", "sf"])
def test_a_lost_answer_ends_with_one_waybill(carried: Callable[[str], Carried], name: str) -> None:
    own = carried(name)
    orders = []
    for fault in (Fault.CUT, Fault.GARBAGE, Fault.DOWN):  # done, done, not done
        own.server.fail(fault, api="waybill.create")
        orders.append(own.order())
    assert [effect.state for effect in own.world.all(Effect)] == ["unknown"] * 3
    own.world.wait(seconds=60)
    drain(own.world.context)
    numbers = [own.world.parcel(order_id).waybill_no for order_id in orders]
    assert sorted(numbers) == sorted(made.waybill_no for made in own.server.waybills())
    assert len(set(numbers)) == 3
    assert [effect.state for effect in own.world.all(Effect)] == ["confirmed"] * 3


@pytest.mark.parametrize("name", ["kdniao", "sf"])
def test_a_cancelled_order_voids_its_waybill(carried: Callable[[str], Carried], name: str) -> None:
    own = carried(name)
    order_id = own.order()
    own.server.fail(Fault.CUT, api="waybill.cancel")
    cancel_order(own.world.context, order_id, "li", "客户取消")
    for _ in range(4):
        drain(own.world.context)
        own.world.wait(minutes=10)
    (made,) = own.server.waybills()
    assert (made.live, own.world.get(Effect).state) == (False, "voided")


def test_a_used_code_without_its_number_waits_for_a_person(
    carried: Callable[[str], Carried],
) -> None:
    own = carried("kdniao")
    own.server.repeat_tells_number = False
    own.server.fail(Fault.CUT, api="waybill.create")
    order_id = own.order()
    own.world.wait(seconds=60)
    drain(own.world.context)
    order = own.world.get(Order, Order.id == order_id)
    assert (order.state, order.hold_reason) == ("on_hold", "waybill_unknown")
    assert len(own.server.waybills()) == 1


def test_a_waybill_that_can_not_be_voided_any_more_counts_as_alive(
    carried: Callable[[str], Carried],
) -> None:
    own = carried("kdniao")
    order_id = own.order()
    own.travel(order_id, "1")
    cancel_order(own.world.context, order_id, "li", "客户取消")
    drain(own.world.context)
    effect = own.world.get(Effect)
    assert (effect.state, effect.error_code) == ("confirmed", "kdniao.collected")


def test_a_forged_push_moves_nothing(carried: Callable[[str], Carried]) -> None:
    own = carried("kdniao")
    order_id = own.order()
    own.travel(order_id, "1", "301")
    real = own.told(order_id)
    fields = {name: values[0] for name, values in parse_qs(real.body.decode()).items()}
    digest = hashlib.md5((fields["RequestData"] + "guessed").encode()).hexdigest()
    fields["DataSign"] = base64.b64encode(digest.encode()).decode()
    assert own.client.post(own.path, data=fields).status_code == 401
    drain(own.world.context)
    assert own.world.count(Scan) == 0
    assert addresses.addresses(own.world.context)[0].refused == 1


def test_the_free_pushes_deliver_too(carried: Callable[[str], Carried]) -> None:
    own = carried("kdniao")
    order_id = own.order()
    parcel = [("ZTO", own.world.parcel(order_id).waybill_no)]
    labels.print_labels(own.world.context, None, "li")
    for codes in (("1",), ("204", "202"), ("301",)):
        own.travel(order_id, *codes)
        assert own.push(own.server.push(parcel, paid=False)).status_code == 200
        drain(own.world.context)
    assert own.world.state(order_id) == "delivered"
    states = {scan.state for scan in own.world.all(Scan)}
    assert states == {"picked_up", "in_transit", "delivered"}


def test_a_no_after_an_unclear_answer_is_believed_where_the_key_is_honoured(
    carried: Callable[[str], Carried],
) -> None:
    own = carried(
        "kdniao"
    )  # can't be asked by key: had it made one, the repeat had answered with it
    own.server.fail(Fault.DOWN, api="waybill.create")
    own.server.fail(Fault.REFUSED, api="waybill.create")
    order_id = own.order()
    own.world.wait(seconds=60)
    drain(own.world.context)
    order = own.world.get(Order, Order.id == order_id)
    assert (order.state, order.hold_reason) == ("on_hold", "waybill_refused")
    assert own.world.get(Effect).error_code == "kdniao.105"


def test_sf_is_answered_in_the_form_it_asked_in(carried: Callable[[str], Carried]) -> None:
    own = carried("sf")
    order_id = own.order()
    number = own.world.parcel(order_id).waybill_no
    own.travel(order_id, "50")
    replies = [
        own.push(pushed).get_data(as_text=True)
        for pushed in (own.told(order_id), own.server.xml_push(number))
    ]
    assert "return_code" in replies[0]
    assert replies[1].startswith("<Response")
    drain(own.world.context)
    assert own.world.count(Scan) == 1  # told twice


def test_a_push_that_is_quicker_than_our_own_commit_is_kept(
    carried: Callable[[str], Carried],
) -> None:
    own = carried("kdniao")
    own.server.fail(Fault.CUT, api="waybill.create")
    order_id = own.order()  # the number exists there and is not known here
    (made,) = own.server.waybills()
    at = own.world.now + timedelta(seconds=1)
    own.server.add_scan("ZTO", made.waybill_no, "1", at, "已揽收")
    assert own.push(own.server.scan_push("ZTO", made.waybill_no)).status_code == 200
    drain(own.world.context)
    assert own.world.count(Scan) == 0
    for _ in range(3):
        own.world.wait(minutes=2)
        drain(own.world.context)
    assert own.world.parcel(order_id).waybill_no == made.waybill_no
    assert own.world.count(Scan) == 1


def test_with_another_key_parcels_wait_and_go_on_once_the_right_one_is_back(carried: Any) -> None:
    own = carried("sf")
    world, right = own.world, own.world.context
    before = own.order()
    drain(right)
    assert world.state(before) == "waybill"
    pushed = own.told(before)
    lost = replace(right, box=SecretsBox.fresh())
    world.context = replace(lost, carriers=Connected(lost))
    order_id = own.order()
    drain(world.context)
    world.wait(minutes=3)
    sweep(world.context)
    drain(world.context)
    assert world.state(order_id) == "routed", "nothing was asked, nothing is unclear"
    assert world.count(Effect, Effect.state == "unknown") == 0
    assert pull_scans(world.context) == 0
    app = create_app(world.context, secret_key="k" * 32, testing=True)
    own.client = app.test_client()
    assert own.push(pushed).status_code >= 500, "not answered as taken: the carrier sends it again"
    world.context = right
    world.wait(minutes=20)
    sweep(right)
    drain(right)
    assert world.state(order_id) == "waybill"
