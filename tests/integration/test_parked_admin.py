"""Parked events in the admin: redriven and discarded by who may, with a trace; found by what they have in common."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from inbox.models import ParkedEvent
from tests.parked_steps import Broken, consuming, receive_steps, step, steps_taken, waiting

LIST = "admin:inbox_parkedevent_changelist"


@pytest.fixture(autouse=True)
def broken(log: None, settings: Settings) -> Iterator[Broken]:
    broken = Broken("a", "b")
    with consuming(broken, settings):
        yield broken


def log_in(name: str, *permissions: str) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def act(client: Client, action: str, *events: ParkedEvent, **form: str) -> None:
    chosen = [str(event.pk) for event in events]
    client.post(reverse(LIST), {"action": action, "_selected_action": chosen} | form)


def history(client: Client, event: ParkedEvent) -> str:
    return client.get(reverse("admin:inbox_parkedevent_history", args=[event.pk])).content.decode()


def test_who_may_change_a_parked_event_redrives_it_and_who_may_only_look_does_not(broken: Broken) -> None:
    receive_steps([step(0, needs="a"), step(1)])
    broken.mend()
    head, behind = ParkedEvent.objects.order_by("offset")
    act(log_in("onlooker", "view_parkedevent"), "redrive", head)
    assert steps_taken() == []
    operator = log_in("operator", "view_parkedevent", "change_parkedevent")
    act(operator, "redrive", behind)
    assert (steps_taken(), waiting()) == ([0, 1], [])
    assert set(ParkedEvent.objects.values_list("resolved_by", flat=True)) == {"operator"}
    assert "Redriven: applied." in history(operator, head)


def test_a_discard_needs_the_permission_and_a_reason_and_leaves_both(broken: Broken) -> None:
    receive_steps([step(0, needs="a"), step(1)])
    [head] = ParkedEvent.objects.filter(reason="failed")
    operator = log_in("operator", "view_parkedevent", "change_parkedevent")
    act(log_in("onlooker", "view_parkedevent"), "discard", head, why="because")
    act(operator, "discard", head, why="  ")
    assert waiting() == [("failed", "step-0"), ("queued", "step-1")]
    act(operator, "discard", head, why="a <b>test</b>\u202e of ours")
    assert waiting() == [("queued", "step-1")]
    head.refresh_from_db()
    assert (head.resolution, head.resolved_by, head.discard_reason) == (
        "discarded", "operator", "a <b>test</b>\u202e of ours",
    )  # fmt: skip
    assert "Discarded: a &lt;b&gt;test" in history(operator, head)
    page = operator.get(reverse("admin:inbox_parkedevent_change", args=[head.pk])).content.decode()
    assert r"a &lt;b&gt;test&lt;/b&gt;<mark>\u202e</mark> of ours" in page


def test_events_that_failed_alike_are_listed_together_by_their_fingerprint(broken: Broken) -> None:
    receive_steps([step(0, needs="a", key="x"), step(1, needs="b", key="y"), step(2, needs="c", key="z")])
    fingerprint = ParkedEvent.objects.order_by("offset")[0].fingerprint
    onlooker = log_in("onlooker", "view_parkedevent")
    listed = onlooker.get(reverse(LIST), {"q": fingerprint})
    assert [event.event_id for event in listed.context["cl"].result_list] == ["step-1", "step-0"]
    assert f'href="{reverse(LIST)}?q={fingerprint}"' in listed.content.decode()
