"""docs/extending.md does what it says: its blocks are run in their order, and then the tests in it."""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from billing.models import Invoice
from inbox.handlers import find_handler
from inbox.testing import deliver, make_event, temporary_handlers
from outbox.events import EVENT_TYPES
from tests.purchases import capture

DOCUMENT = Path(__file__).parent.parent.parent / "docs/extending.md"
CODE = "\n".join(re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL))
TESTS = re.findall(r"^def (test_\w+)", CODE, re.MULTILINE)


@pytest.fixture
def document(log: None) -> Iterator[dict[str, Any]]:
    """What the document defines, declared as if it stood in billing; forgotten at the end."""
    before = dict(EVENT_TYPES)
    module = sys.modules["billing.extending"] = ModuleType("billing.extending")
    with temporary_handlers():
        exec(compile(CODE, str(DOCUMENT), "exec"), module.__dict__)  # noqa: S102
        yield module.__dict__
    del sys.modules["billing.extending"]
    EVENT_TYPES.clear()
    EVENT_TYPES.update(before)


def test_the_document_has_tests() -> None:
    assert len(TESTS) == 4


@pytest.mark.parametrize("name", TESTS)
def test_the_tests_of_the_document_pass(
    name: str, document: dict[str, Any], assert_received_once: Callable[..., None]
) -> None:
    wanted = inspect.signature(document[name]).parameters
    fixtures = {"log": None, "assert_received_once": assert_received_once}
    document[name](**{fixture: fixtures[fixture] for fixture in wanted})


@pytest.mark.parametrize(
    ("happened", "reference"),
    [("exported.v1", "exported"), ("charged_back.v1", "fee 0")],
)
def test_the_handlers_of_the_document_have_their_effect(
    happened: str, reference: str, document: dict[str, Any]
) -> None:
    paid = capture()
    Invoice.objects.create(payment_id=paid.pk, customer_id="c", reference="r", amount=0, currency="USD", state="paid")
    deliver(make_event(f"payments.payment.{happened}", {"payment_id": paid.pk}), times=2, consumer="billing")
    assert Invoice.objects.get().reference == reference


def test_nothing_of_the_document_stays() -> None:
    assert find_handler("billing", "payments.payment.flagged.v1") is None
