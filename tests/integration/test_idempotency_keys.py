"""Retention of idempotency keys: known for so long, then new again; pruned in chunks, by any number of copies."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from idempotency.checks import check_settings
from idempotency.models import IdempotencyKey
from idempotency.pruning import ROWS_AT_ONCE, prune_keys
from idempotency.tasks import prune_keys as prune_keys_task
from payments.models import Payment
from tests.api_client import post

pytestmark = pytest.mark.usefixtures("log")
PURCHASE = {"customer_id": "c-1", "reference": "order 1", "amount": 1999, "currency": "USD"}


def age(keys: str, *, hours: float) -> None:
    """Make the keys that begin so that many hours older."""
    made = timezone.now() - timedelta(hours=hours)
    assert IdempotencyKey.objects.filter(key__startswith=keys).update(created_at=made)


def make_keys(count: int) -> None:
    answer = {"principal": "p", "request_digest": b"", "status": 201, "body": b""}
    IdempotencyKey.objects.bulk_create(IdempotencyKey(key=f"key-{n}", **answer) for n in range(count))


def test_a06_a_key_that_expired_is_new_again_and_one_that_has_not_is_replayed() -> None:
    for key in ("old", "young"):
        post("/payments", PURCHASE, key=key)
    age("old", hours=73)
    age("young", hours=71)
    assert prune_keys_task() == 1
    again = {key: post("/payments", PURCHASE, key=key) for key in ("old", "young")}
    assert {key: "Idempotent-Replayed" in answer for key, answer in again.items()} == {"old": False, "young": True}
    assert Payment.objects.count() == 3


def test_pruning_goes_on_from_chunk_to_chunk_and_stops_where_keys_are_young() -> None:
    make_keys(ROWS_AT_ONCE + 3)
    age("key-", hours=100)
    post("/payments", PURCHASE, key="one that is young")
    assert prune_keys(dry_run=True) == ROWS_AT_ONCE + 3
    assert prune_keys(chunks=1) == ROWS_AT_ONCE
    assert prune_keys() == 3
    assert IdempotencyKey.objects.get().key == "one that is young"


def test_the_command_says_what_would_go_and_what_went(settings: Settings) -> None:
    settings.IDEMPOTENCY = {"RETENTION_HOURS": 1}
    make_keys(3)
    age("key-", hours=2)
    for option, said in ((["--dry-run"], "would delete 3"), ([], "deleted 3"), ([], "deleted 0")):
        out = StringIO()
        call_command("prune_idempotency_keys", *option, stdout=out)
        assert out.getvalue() == f"{said} idempotency keys\n"


@pytest.mark.parametrize("wrong", [{"RETENTION_HOURS": 0}, {"RETENTION_DAYS": 3}], ids=str)
def test_a_setting_that_cannot_be_meant_is_named_with_the_known_ones(wrong: dict[str, int], settings: Settings) -> None:
    settings.IDEMPOTENCY = wrong
    [problem] = check_settings()
    assert (problem.id, next(iter(wrong)) in str(problem.msg)) == ("idempotency.E001", True)
    assert problem.hint == "Known keys: RETENTION_HOURS."
