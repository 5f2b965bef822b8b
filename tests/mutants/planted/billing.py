"""Planted bugs of billing: renewals, dunning, credit notes."""

from tests.mutants.mutant import Edit, Mutant

DUNNING = "tests/integration/test_dunning.py::"
CREDIT_NOTES = "tests/integration/test_credit_notes.py::"
TELL_THE_CUSTOMER = """\
    record(
        SubscriptionSuspended(
            subscription_id=subscription.id, customer_id=subscription.customer_id, invoice_id=invoice.id,
            version=subscription.version,
        )
    )  # fmt: skip
"""
MUTANTS = [
    Mutant(
        "cycle-counted-from-the-one-before", "billing/sql.py",
        "(anchor_on + make_interval(months => cycles + 1))::date", "(next_cycle_on + interval '1 month')::date",
        "tests/integration/test_renewals.py::"
        "test_after_the_last_of_january_comes_the_last_of_february_and_then_the_last_of_march",
    ),
    Mutant(
        "dunning-without-an-end", "billing/dunning.py",
        "due_at = timezone.now() + timedelta(days=days[attempt - 1])",
        "due_at = timezone.now() + timedelta(days=days[min(attempt, len(days)) - 1])",
        DUNNING + "test_after_the_third_decline_the_invoice_is_given_up_and_the_subscription_suspended",
        also=(Edit("billing/dunning.py", "if attempt > len(days):", "if False:"),),
    ),
    Mutant(
        "suspended-without-a-word", "billing/subscribing.py", TELL_THE_CUSTOMER, "",
        DUNNING + "test_after_the_third_decline_the_invoice_is_given_up_and_the_subscription_suspended",
    ),
    Mutant(
        "late-success-kept", "billing/collecting.py",
        "            _give_back(invoice, receipt, cause)\n", "            pass\n",
        DUNNING + "test_a_success_after_the_suspension_is_given_back_once",
    ),
    Mutant(
        "late-success-given-back-twice", "billing/collecting.py",
        "if not is_new:", "if False:",
        DUNNING + "test_a_success_after_the_suspension_is_given_back_once",
    ),
    Mutant(
        "credited-without-its-lines", "billing/correcting.py",
        "    book(invoice, cause, CREDIT, REPAYMENT, amount=refund.amount)\n", "",
        CREDIT_NOTES + "test_a_refund_writes_a_credit_note_and_books_both_steps_backwards",
    ),
    Mutant(
        "credited-above-what-was-paid", "billing/correcting.py",
        " or invoice.credited + refund.amount > invoice.amount:", ":",
        CREDIT_NOTES + "test_many_refunds_add_up_to_the_invoice_and_no_further",
    ),
    Mutant(
        "ledger-lines-may-be-deleted", "billing/migrations/0002_ledger.sql",
        "BEFORE UPDATE OR DELETE ON", "BEFORE UPDATE ON",
        "tests/integration/test_ledger.py::test_the_database_refuses_to_change_what_is_booked_and_says_what_to_do",
    ),
    Mutant(
        "refund-booked-as-revenue", "billing/ledger.py",
        "CREDIT = Move(Account.REVENUE, Account.RECEIVABLE)", "CREDIT = Move(Account.RECEIVABLE, Account.REVENUE)",
        "tests/integration/test_ledger_machine.py"
        "::test_balances_are_those_of_a_second_bookkeeper_whatever_happens",
    ),
]  # fmt: skip
