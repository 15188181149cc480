"""What each endpoint needs, in one table. What is not in it is refused.

A key is `METHOD blueprint.endpoint` or `METHOD blueprint.*`; the exact one wins. HEAD counts as GET.
"""

from __future__ import annotations

from collections.abc import Mapping

PUBLIC = "public"  # anybody
ANYBODY = "signed_in"  # whoever is signed in, whatever the role
SIGNED = "signed"  # no session: the view itself checks the signature over the body

NEEDS: Mapping[str, str] = {
    "GET static": PUBLIC,
    "GET site.*": PUBLIC,
    "GET health.*": PUBLIC,  # figures look for themselves: a token of their own, or this machine
    "GET sign_in.*": PUBLIC,
    "POST sign_in.*": PUBLIC,
    "POST hooks.receive": SIGNED,
    "GET account.*": ANYBODY,
    "POST account.*": ANYBODY,
    "GET people.*": "people.manage",
    "POST people.*": "people.manage",
    "GET tokens.*": "tokens.manage",
    "POST tokens.*": "tokens.manage",
    "GET webhooks.*": "webhooks.manage",
    "POST webhooks.*": "webhooks.manage",
    "GET board.show": "board.see",
    "GET orders.show": "orders.see",
    "POST orders.act": "orders.act",
    "GET order.show": "orders.see",
    "POST order.reveal": "orders.reveal",
    "POST order.act": "orders.act",
    "POST order.settle": "orders.act",
    "GET review.show": "orders.see",
    "POST review.decide": "review.decide",
    "GET alerts.show": "alerts.see",
    "POST alerts.act": "alerts.act",
    "GET labels.show": "labels.see",
    "GET labels.batch_pdf": "labels.print",
    "GET labels.pick_list": "labels.print",
    "GET labels.print_data": "labels.print",
    "POST labels.print_chosen": "labels.print",
    "POST labels.hand_over": "labels.print",
    "GET stock.show": "stock.see",
    "GET stock.as_csv": "stock.see",
    "POST stock.adjust": "stock.adjust",
    "GET connections.show": "connections.see",
    "GET jobs.show": "connections.see",
    "POST jobs.act": "jobs.act",
    "GET remotes.show": "connections.see",
    "GET connector_gallery.show": "connections.see",
    "POST account_sync.*": "connections.manage",
    "GET account_mapping.show": "connections.manage",
    "POST account_mapping.*": "connections.manage",
    "GET sheets.*": "orders.bring",
    "POST sheets.*": "orders.bring",
    "GET sheet_account.show": "orders.bring",
    "POST sheet_account.mapping": "orders.bring",
    "GET sheet_account.waybills": "orders.bring",
    "POST sheet_account.make": "orders.bring",
    "GET api_accounts.*": "connections.see",
    "GET api_accounts.mapping": "connections.manage",
    "POST api_accounts.*": "connections.manage",
    "PUT api_accounts.*": "connections.manage",
    "DELETE api_accounts.*": "connections.manage",
    "GET remotes.new": "connections.manage",
    "GET authorizing.callback": "connections.manage",
    "POST authorizing.leave": "connections.manage",
    "POST remotes.*": "connections.manage",
    "GET analysis.show": "analysis.see",
    "GET rules.*": "rules.see",
    "POST rules.*": "rules.edit",
    "GET rule_editor.*": "rules.try",
    "POST rule_editor.*": "rules.edit",
    "GET rule_grid.*": "rules.see",
    "POST rule_grid.*": "rules.edit",
    "GET rule_lists.*": "rules.see",
    "POST rule_lists.*": "rules.edit",
    "GET rule_parameters.*": "rules.see",
    "POST rule_parameters.*": "rules.edit",
    "GET rule_review.*": "rules.see",
    "POST rule_review.*": "rules.publish",
    "GET rule_history.*": "rules.see",
    "POST rule_history.*": "rules.publish",
    "GET rule_check.*": "rules.try",
    "POST rule_check.*": "rules.edit",
    "GET rule_try.*": "rules.try",
    "POST rule_try.*": "rules.try",
    "GET rule_tests.*": "rules.try",
    "POST rule_tests.*": "rules.edit",
    "GET rule_simulate.*": "rules.simulate",
    "POST rule_simulate.*": "rules.simulate",
    "GET rule_templates.*": "rules.see",
    "POST rule_templates.*": "rules.edit",
    "GET rule_ideas.*": "rules.edit",
    "POST rule_ideas.*": "rules.edit",
    "GET api_docs.*": PUBLIC,
    "GET api.*": "rules.see",
    "GET api_drafts.*": "rules.see",
    "POST api_drafts.*": "rules.edit",
    "PUT api_drafts.*": "rules.edit",
    "PATCH api_drafts.*": "rules.edit",
    "DELETE api_drafts.*": "rules.edit",
    "GET api_trials.*": "rules.try",
    "POST api_trials.*": "rules.try",
    "POST api_trials.accept": "rules.edit",
    "GET api_simulations.*": "rules.simulate",
    "POST api_simulations.*": "rules.simulate",
    "GET api_releases.*": "rules.see",
    "POST api_releases.*": "rules.publish",
    "POST api_releases.ask": "rules.edit",
    "GET api_ideas.*": "rules.edit",
    "POST api_ideas.*": "rules.edit",
    "GET api_orders.*": "orders.see",
    "POST api_orders.*": "orders.bring",
    "GET api_webhooks.*": "webhooks.manage",
    "POST api_webhooks.*": "webhooks.manage",
    "PUT api_webhooks.*": "webhooks.manage",
    "DELETE api_webhooks.*": "webhooks.manage",
    "POST api_stock.sync": "stock.adjust",
    "GET api_jobs.*": "connections.see",
    "POST api_jobs.*": "jobs.act",
}

# Where one endpoint does several things: the part of the request that says which, and what each needs.
# An act that is not named here needs what the endpoint needs.
ACTS: Mapping[str, Mapping[str, str]] = {
    "order.act": {"release": "review.decide", "reject": "review.decide"},
    "orders.act": {
        "release": "review.decide",
        "reject": "review.decide",
        "print": "labels.print",
    },
    "sheets.act": {"reveal": "orders.reveal"},
    "review.decide": {"carrier": "orders.act"},
    "rule_review.act": {"ask": "rules.edit"},
    "rule_try.run": {"save": "rules.edit"},
    "rule_tests.act": {"search": "rules.try", "stop": "rules.try"},
}


def needed(method: str, endpoint: str, act: str = "") -> str | None:
    """The permission, PUBLIC, SIGNED or ANYBODY; None when the table does not know the endpoint."""
    verb = "GET" if method in ("HEAD", "OPTIONS") else method
    group = endpoint.partition(".")[0]
    found = NEEDS.get(f"{verb} {endpoint}") or NEEDS.get(f"{verb} {group}.*")
    if found is None:
        return None
    return ACTS.get(endpoint, {}).get(act, found)
