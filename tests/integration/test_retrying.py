"""What is retried and what is parked, decided by what PostgreSQL really answers."""

import psycopg
import pytest
from django.db import Error, connection

from inbox.exceptions import AssignmentLostError, ConsumeFailedError, HandlerNotFoundError
from inbox.retrying import back_off_seconds, is_retryable


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("08006", True),
        ("25P02", False),
        ("25P03", True),
        ("25P04", True),
        ("40001", True),
        ("40P01", True),
        ("53100", True),
        ("53300", True),
        ("55P03", True),
        ("57014", True),
        ("57P01", True),
        ("54000", False),
        ("54001", False),
        ("22003", False),
        ("23505", False),
        ("42P01", False),
        ("58030", True),
        ("XX001", False),
    ],
)
def test_the_sqlstate_decides(db: None, state: str, expected: bool) -> None:
    with pytest.raises(Error) as caught, connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")
    assert is_retryable(caught.value) is expected


def test_a_connection_that_is_gone_is_retried(transactional_db: None) -> None:
    with connection.cursor() as cursor, connection.copy().cursor() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        for _ in range(2):  # the server's last word, then the client's own
            with pytest.raises(Error) as caught:
                cursor.execute("SELECT 1")
            assert is_retryable(caught.value)
        other.connection.close()
    connection.close()


def test_text_that_the_client_cannot_send_is_not_retried(db: None) -> None:
    with pytest.raises(Error) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT %s", ["\x00"])
    assert isinstance(caught.value.__cause__, psycopg.DataError)
    assert not is_retryable(caught.value)


def test_errors_of_the_inbox_say_it_themselves() -> None:
    assert is_retryable(AssignmentLostError())
    assert is_retryable(ConsumeFailedError())
    assert not is_retryable(HandlerNotFoundError())
    assert not is_retryable(ValueError())


@pytest.mark.parametrize("failures", [1, 8, 1_024, 10**6])
def test_the_back_off_is_bounded_after_any_number_of_failures(failures: int) -> None:
    assert 0.05 <= back_off_seconds(failures) <= 10
