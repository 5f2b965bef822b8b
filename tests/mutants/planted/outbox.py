"""Planted bugs of outbox/: each breaks one promise, and names the test that must see it."""

from tests.mutants.mutant import Mutant

SQL = "outbox/sql.py"
PUBLISHER = "outbox/publisher.py"
TRANSACTIONS = "tests/races/test_transactions.py::"
RELAYS = "tests/races/test_relays.py::"
WINDOWS = "tests/races/test_windows.py::"
LEADING = "tests/races/test_leading.py::"
DELIVERIES = "tests/contract/test_deliveries.py::"
PARKING = "tests/integration/test_parking.py::"
TRANSACTIONAL = "tests/integration/test_transactional.py::"
REBASING = "tests/integration/test_rebasing.py::"
REBASING_SQL = "outbox/rebasing_sql.py"
RECORDING = "tests/integration/test_recording.py::"

MUTANTS = [
    Mutant(
        "order-by-position-alone",
        SQL,
        "\n       AND NOT pg_visible_in_snapshot(transaction_id, %(base)s::pg_snapshot)\n     ORDER BY position",
        "\n     ORDER BY position",
        TRANSACTIONS + "test_an_id_that_is_assigned_and_not_completed_at_the_snapshot_is_in_the_next_window_alone",
    ),
    Mutant(
        "xmin-horizon",
        SQL,
        "AND pg_visible_in_snapshot(transaction_id, %(snapshot)s::pg_snapshot)\n",
        "AND transaction_id < pg_snapshot_xmin(%(snapshot)s::pg_snapshot)\n",
        TRANSACTIONS + "test_events_take_the_same_rounds_whatever_transaction_is_open_all_the_while[another database]",
    ),
    Mutant(
        "xmax-off-by-one-in-the-first-position",
        SQL,
        "WHERE transaction_id >= pg_snapshot_xmax(%(base)s::pg_snapshot)\n          AND (position",
        "WHERE transaction_id > pg_snapshot_xmax(%(base)s::pg_snapshot)\n          AND (position",
        TRANSACTIONS + "test_an_id_that_is_assigned_and_not_completed_at_the_snapshot_is_in_the_next_window_alone",
    ),
    Mutant(
        "xmax-off-by-one-in-the-peek",
        SQL,
        "WHERE transaction_id >= pg_snapshot_xmax(%(base)s::pg_snapshot)\n      AND (position",
        "WHERE transaction_id > pg_snapshot_xmax(%(base)s::pg_snapshot)\n      AND (position",
        TRANSACTIONS + "test_an_id_that_is_assigned_and_not_completed_at_the_snapshot_is_in_the_next_window_alone",
    ),
    Mutant(
        "late-rows-left-out",
        SQL,
        "< (overtaken.id, coalesce(%(first)s, 9223372036854775807))",
        "< (overtaken.id, %(first)s)",
        TRANSACTIONS + "test_a_prepared_transaction_holds_up_nobody_and_is_published_when_it_commits",
    ),
    Mutant(
        "late-rows-never-peeked",
        SQL,
        "SELECT pg_snapshot_xip(pg_current_snapshot())))\n      AND (position",
        "SELECT pg_snapshot_xip(pg_current_snapshot())))\n      AND false AND (position",
        WINDOWS + "test_a_later_position_that_commits_first_is_published_first_and_the_other_is_not_lost",
    ),
    Mutant(
        "positions-cached-by-connection",
        "outbox/migrations/0001_log.sql",
        "CREATE SEQUENCE outbox_event_position;",
        "CREATE SEQUENCE outbox_event_position CACHE 20;",
        RELAYS + "test_between_two_relays_that_take_the_lead_from_each_other_a_hot_key_stays_in_order",
    ),
    Mutant(
        "last-page-by-one-too-early",
        "outbox/reading.py",
        "is_last=len(records) < limit)",
        "is_last=len(records) <= limit)",
        WINDOWS + "test_a_window_larger_than_a_page_is_published_whole[11]",
    ),
    Mutant(
        "oldest-page-taken-for-the-newest",
        SQL,
        "window_id = w.window_id ORDER BY page DESC LIMIT 1",
        "window_id = w.window_id ORDER BY page LIMIT 1",
        RELAYS + "test_a_window_of_100000_rows_is_taken_up_where_a_dead_relay_left_it",
    ),
    Mutant(
        "open-without-the-epoch",
        SQL,
        "FROM outbox_relay r WHERE r.epoch = %(epoch)s FOR SHARE\nRETURNING snapshot",
        "FROM outbox_relay r FOR SHARE\nRETURNING snapshot",
        RELAYS + "test_a_zombie_that_wakes_before_a_write_writes_nothing[OPEN]",
    ),
    Mutant(
        "advance-without-the-epoch",
        SQL,
        "WHERE r.epoch = %(epoch)s AND set_config(",
        "WHERE set_config(",
        RELAYS + "test_a_zombie_that_wakes_before_a_write_writes_nothing[ADVANCE]",
    ),
    Mutant(
        "epoch-that-stays",
        SQL,
        "SET epoch = epoch + 1, owner",
        "SET epoch = epoch, owner",
        RELAYS + "test_a_zombie_that_wakes_before_a_write_writes_nothing[OPEN]",
    ),
    Mutant(
        "asynchronous-open",
        SQL,
        "set_config('synchronous_commit', 'on', false)",
        "set_config('synchronous_commit', 'off', false)",
        LEADING + "test_nothing_is_published_before_its_row_is_on_the_disk",
    ),
    Mutant(
        "lease-on-the-clients-clock",
        "outbox/log.py",
        "_rows(sql.LEAD, {",
        "_rows(sql.LEAD.replace('clock_timestamp()', f'to_timestamp({__import__(\"time\").time()})'), {",
        LEADING + "test_a_relay_whose_own_clock_is_ahead_waits_for_the_lease_like_any_other",
    ),
    Mutant(
        "lease-far-in-the-future-believed",
        SQL,
        "\n   OR lease_until > clock_timestamp() + 2 * %(lease)s * interval '1 second'",
        "",
        LEADING + "test_a_lease_that_lies_further_ahead_than_any_relay_would_put_it_is_taken",
    ),
    Mutant(
        "identity-not-checked",
        SQL,
        "identity = CASE WHEN identity = '' THEN %(identity)s ELSE identity END",
        "identity = %(identity)s",
        LEADING + "test_a_log_that_was_published_from_another_cluster_stops_the_relay",
    ),
    Mutant(
        "finite-message-time-out",
        PUBLISHER,
        '"message.timeout.ms": 0,',
        '"message.timeout.ms": 1_000,',
        DELIVERIES + "test_a_broker_that_does_not_answer_is_waited_for_as_long_as_it_takes",
    ),
    Mutant(
        "delivery-error-ignored",
        "outbox/delivery.py",
        "self.error = self.error or error",
        "self.error = None",
        DELIVERIES + "test_a_page_that_is_thrown_away_while_it_waits_is_not_taken_for_acknowledged",
    ),
    Mutant(
        "fatal-error-not-handled",
        PUBLISHER,
        "except _FATAL as error:\n            self._hear_out",
        "except ZeroDivisionError as error:\n            self._hear_out",
        DELIVERIES + "test_a_record_that_the_broker_refuses_fails_its_page",
        needs_kafka=True,
    ),
    Mutant(
        "advance-before-the-acknowledgement",
        PUBLISHER,
        "while delivery.is_pending and delivery.error is None:",
        "while False:",
        DELIVERIES + "test_a_broker_that_does_not_answer_is_waited_for_as_long_as_it_takes",
    ),
    Mutant(
        "record-outside-a-transaction",
        "outbox/recording.py",
        "if not connection.in_atomic_block:",
        "if False:",
        RECORDING + "test_an_event_outside_a_transaction_is_refused",
    ),
    Mutant(
        "page-parked-for-one-record",
        "outbox/relay.py",
        "if len(records) > 1:",
        "if False:",
        PARKING + "test_a_refused_row_is_parked_later_rows_of_its_key_wait_and_others_flow",
    ),
    Mutant(
        "blocked-key-not-asked-for",
        SQL,
        "(topic, partition_key) IN (SELECT topic, partition_key FROM outbox_parked WHERE resolved_at IS NULL)\nFROM (",
        "false\nFROM (",
        PARKING + "test_a_refused_row_is_parked_later_rows_of_its_key_wait_and_others_flow",
    ),
    Mutant(
        "redrive-wished-for-ever",
        SQL,
        "problem = excluded.problem, redrive_asked_at = NULL,",
        "problem = excluded.problem,",
        PARKING + "test_a_redrive_that_is_refused_again_parks_again_and_does_not_spin",
    ),
    Mutant(
        "redrive-read-ahead",
        "outbox/reading.py",
        " and not page.is_last and window.positions is None:",
        " and not page.is_last:",
        PARKING + "test_a_redrive_of_several_pages_is_published_whole_by_a_relay_that_reads_ahead",
    ),
    Mutant(
        "rebase-without-the-lock",
        REBASING_SQL,
        'LOCK = "LOCK TABLE outbox_event IN SHARE ROW EXCLUSIVE MODE"',
        'LOCK = "SELECT 1"',
        REBASING + "test_it_waits_for_rows_in_flight_and_does_not_lose_them",
        needs_kafka=True,
    ),
    Mutant(
        "rows-of-the-new-cluster-forgotten",
        REBASING_SQL,
        "ON e.position > greatest(n.highest, n.rebase)",
        "ON false",
        "tests/faults/test_restored_database.py::"
        "test_a_dump_restored_into_another_cluster_goes_on_after_a_rebase[idempotent]",
        needs_kafka=True,
    ),
    Mutant(
        "generation-of-the-topics-ignored",
        "outbox/rebasing.py",
        "generation=max(standing.generation, topics.newest[0]) + 1",
        "generation=standing.generation + 1",
        REBASING + "test_a_log_that_forgot_an_earlier_rebase_goes_on_above_the_generation_of_its_topics",
        needs_kafka=True,
    ),
    Mutant(
        "ids-that-come-round-believed",
        "outbox/reading.py",
        '"rebase": lease.rebase_position',
        '"rebase": 0',
        "tests/integration/test_rebased_log.py::test_an_id_that_comes_round_again_brings_no_old_row_with_it",
    ),
    Mutant(
        "progress-of-the-broker-not-read",
        "outbox/takeover.py",
        "while state.position < progress.position:",
        "while False:",
        TRANSACTIONAL + "test_a_page_that_was_committed_on_kafka_and_not_in_the_database_is_not_published_again",
        needs_kafka=True,
    ),
    Mutant(
        "broker-ahead-of-the-database-ignored",
        "outbox/takeover.py",
        "if newest is not None and newest > (lease.generation, state.window_id):",
        "if False:",
        LEADING + "test_topics_that_are_ahead_of_the_database_stop_the_relay",
    ),
]
