"""The planted bugs: each breaks one line of docs/proofs.md or one promise of the relay, and names who must see it."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One bug: `old`, found exactly once in `file`, becomes `new`; `test` must fail."""

    name: str
    file: str
    old: str
    new: str
    test: str
    needs_kafka: bool = False


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
INBOX_SQL = "inbox/sql.py"
RETENTION = "tests/integration/test_inbox_retention.py::"
INBOX_PRUNING = "tests/races/test_inbox_pruning.py::"
LOCK_THEN_PRUNE = """\
        if not lock_partition(cursor, share.consumer, (share.topic, share.partition)):
            return 0
        ids = _prunable(share, settings)
        cursor.execute(sql.PRUNE, {"ids": ids, "well_formed": WELL_FORMED} | _declared(settings))
"""
PRUNE_THEN_LOCK = """\
        ids = _prunable(share, settings)
        cursor.execute(sql.PRUNE, {"ids": ids, "well_formed": WELL_FORMED} | _declared(settings))
        lock_partition(cursor, share.consumer, (share.topic, share.partition))
"""
RECEIVING = "inbox/receiving.py"
ISOLATING = "inbox/isolating.py"
ISOLATED = "tests/integration/test_isolating.py::"
STOPPED = "tests/integration/test_stopped_partitions.py::"
ONCE = "tests/integration/test_once.py::"
KAFKAS_OFFSETS = "tests/integration/test_kafkas_offsets.py::"
FAILING = "tests/faults/test_consumer_crashes.py::"
CONSUMER_CRASHES = FAILING + "test_consumer_killed_at"
GATEWAY = "tests/integration/test_gateway.py::"
GATEWAY_INTENTS = "tests/integration/test_gateway_intents.py::"
GATEWAY_REFUNDS = "tests/integration/test_gateway_refunds.py::"
WEBHOOKS = "tests/integration/test_gateway_webhooks.py::"
LOST_EVENT = (
    "tests/integration/test_consumer.py::test_a_partition_that_lost_its_next_event_stops_with_one_line_and_others_flow"
)

MUTANTS = [
    Mutant(
        "order-by-position-alone", SQL,
        "\n       AND NOT pg_visible_in_snapshot(transaction_id, %(base)s::pg_snapshot)\n     ORDER BY position",
        "\n     ORDER BY position",
        TRANSACTIONS + "test_an_id_that_is_assigned_and_not_completed_at_the_snapshot_is_in_the_next_window_alone",
    ),
    Mutant(
        "xmin-horizon", SQL,
        "AND pg_visible_in_snapshot(transaction_id, %(snapshot)s::pg_snapshot)\n",
        "AND transaction_id < pg_snapshot_xmin(%(snapshot)s::pg_snapshot)\n",
        TRANSACTIONS + "test_events_take_the_same_rounds_whatever_transaction_is_open_all_the_while[another database]",
    ),
    Mutant(
        "xmax-off-by-one-in-the-first-position", SQL,
        "WHERE transaction_id >= pg_snapshot_xmax(%(base)s::pg_snapshot)\n          AND (position",
        "WHERE transaction_id > pg_snapshot_xmax(%(base)s::pg_snapshot)\n          AND (position",
        TRANSACTIONS + "test_an_id_that_is_assigned_and_not_completed_at_the_snapshot_is_in_the_next_window_alone",
    ),
    Mutant(
        "xmax-off-by-one-in-the-peek", SQL,
        "WHERE transaction_id >= pg_snapshot_xmax(%(base)s::pg_snapshot)\n      AND (position",
        "WHERE transaction_id > pg_snapshot_xmax(%(base)s::pg_snapshot)\n      AND (position",
        TRANSACTIONS + "test_an_id_that_is_assigned_and_not_completed_at_the_snapshot_is_in_the_next_window_alone",
    ),
    Mutant(
        "late-rows-left-out", SQL,
        "< (overtaken.id, coalesce(%(first)s, 9223372036854775807))",
        "< (overtaken.id, %(first)s)",
        TRANSACTIONS + "test_a_prepared_transaction_holds_up_nobody_and_is_published_when_it_commits",
    ),
    Mutant(
        "late-rows-never-peeked", SQL,
        "SELECT pg_snapshot_xip(pg_current_snapshot())))\n      AND (position",
        "SELECT pg_snapshot_xip(pg_current_snapshot())))\n      AND false AND (position",
        WINDOWS + "test_a_later_position_that_commits_first_is_published_first_and_the_other_is_not_lost",
    ),
    Mutant(
        "positions-cached-by-connection", "outbox/migrations/0001_log.sql",
        "CREATE SEQUENCE outbox_event_position;", "CREATE SEQUENCE outbox_event_position CACHE 20;",
        RELAYS + "test_between_two_relays_that_take_the_lead_from_each_other_a_hot_key_stays_in_order",
    ),
    Mutant(
        "last-page-by-one-too-early", "outbox/reading.py",
        "is_last=len(records) < limit)", "is_last=len(records) <= limit)",
        WINDOWS + "test_a_window_larger_than_a_page_is_published_whole[11]",
    ),
    Mutant(
        "oldest-page-taken-for-the-newest", SQL,
        "window_id = w.window_id ORDER BY page DESC LIMIT 1", "window_id = w.window_id ORDER BY page LIMIT 1",
        RELAYS + "test_a_window_of_100000_rows_is_taken_up_where_a_dead_relay_left_it",
    ),
    Mutant(
        "open-without-the-epoch", SQL,
        "FROM outbox_relay r WHERE r.epoch = %(epoch)s FOR SHARE\nRETURNING snapshot",
        "FROM outbox_relay r FOR SHARE\nRETURNING snapshot",
        RELAYS + "test_a_zombie_that_wakes_before_a_write_writes_nothing[OPEN]",
    ),
    Mutant(
        "advance-without-the-epoch", SQL,
        "WHERE r.epoch = %(epoch)s AND set_config(", "WHERE set_config(",
        RELAYS + "test_a_zombie_that_wakes_before_a_write_writes_nothing[ADVANCE]",
    ),
    Mutant(
        "epoch-that-stays", SQL,
        "SET epoch = epoch + 1, owner", "SET epoch = epoch, owner",
        RELAYS + "test_a_zombie_that_wakes_before_a_write_writes_nothing[OPEN]",
    ),
    Mutant(
        "asynchronous-open", SQL,
        "set_config('synchronous_commit', 'on', false)", "set_config('synchronous_commit', 'off', false)",
        LEADING + "test_nothing_is_published_before_its_row_is_on_the_disk",
    ),
    Mutant(
        "lease-on-the-clients-clock", "outbox/log.py",
        "_rows(sql.LEAD, {",
        "_rows(sql.LEAD.replace('clock_timestamp()', f'to_timestamp({__import__(\"time\").time()})'), {",
        LEADING + "test_a_relay_whose_own_clock_is_ahead_waits_for_the_lease_like_any_other",
    ),
    Mutant(
        "lease-far-in-the-future-believed", SQL,
        "\n   OR lease_until > clock_timestamp() + 2 * %(lease)s * interval '1 second'", "",
        LEADING + "test_a_lease_that_lies_further_ahead_than_any_relay_would_put_it_is_taken",
    ),
    Mutant(
        "identity-not-checked", SQL,
        "identity = CASE WHEN identity = '' THEN %(identity)s ELSE identity END", "identity = %(identity)s",
        LEADING + "test_a_log_that_was_published_from_another_cluster_stops_the_relay",
    ),
    Mutant(
        "finite-message-time-out", PUBLISHER,
        '"message.timeout.ms": 0,', '"message.timeout.ms": 1_000,',
        DELIVERIES + "test_a_broker_that_does_not_answer_is_waited_for_as_long_as_it_takes",
    ),
    Mutant(
        "delivery-error-ignored", "outbox/delivery.py",
        "self.error = self.error or error", "self.error = None",
        DELIVERIES + "test_a_page_that_is_thrown_away_while_it_waits_is_not_taken_for_acknowledged",
    ),
    Mutant(
        "fatal-error-not-handled", PUBLISHER,
        "except _FATAL as error:\n            self._hear_out",
        "except ZeroDivisionError as error:\n            self._hear_out",
        DELIVERIES + "test_a_record_that_the_broker_refuses_fails_its_page", needs_kafka=True,
    ),
    Mutant(
        "advance-before-the-acknowledgement", PUBLISHER,
        "while delivery.is_pending and delivery.error is None:", "while False:",
        DELIVERIES + "test_a_broker_that_does_not_answer_is_waited_for_as_long_as_it_takes",
    ),
    Mutant(
        "record-outside-a-transaction", "outbox/recording.py",
        "if not connection.in_atomic_block:", "if False:",
        RECORDING + "test_an_event_outside_a_transaction_is_refused",
    ),
    Mutant(
        "page-parked-for-one-record", "outbox/relay.py",
        "if len(records) > 1:", "if False:",
        PARKING + "test_a_refused_row_is_parked_later_rows_of_its_key_wait_and_others_flow",
    ),
    Mutant(
        "blocked-key-not-asked-for", SQL,
        "(topic, partition_key) IN (SELECT topic, partition_key FROM outbox_parked WHERE resolved_at IS NULL)\nFROM (",
        "false\nFROM (",
        PARKING + "test_a_refused_row_is_parked_later_rows_of_its_key_wait_and_others_flow",
    ),
    Mutant(
        "redrive-wished-for-ever", SQL,
        "problem = excluded.problem, redrive_asked_at = NULL,", "problem = excluded.problem,",
        PARKING + "test_a_redrive_that_is_refused_again_parks_again_and_does_not_spin",
    ),
    Mutant(
        "redrive-read-ahead", "outbox/reading.py",
        " and not page.is_last and window.positions is None:", " and not page.is_last:",
        PARKING + "test_a_redrive_of_several_pages_is_published_whole_by_a_relay_that_reads_ahead",
    ),
    Mutant(
        "rebase-without-the-lock", REBASING_SQL,
        'LOCK = "LOCK TABLE outbox_event IN SHARE ROW EXCLUSIVE MODE"', 'LOCK = "SELECT 1"',
        REBASING + "test_it_waits_for_rows_in_flight_and_does_not_lose_them", needs_kafka=True,
    ),
    Mutant(
        "rows-of-the-new-cluster-forgotten", REBASING_SQL,
        "ON e.position > greatest(n.highest, n.rebase)", "ON false",
        "tests/faults/test_restored_database.py::"
        "test_a_dump_restored_into_another_cluster_goes_on_after_a_rebase[idempotent]", needs_kafka=True,
    ),
    Mutant(
        "generation-of-the-topics-ignored", "outbox/rebasing.py",
        "generation=max(standing.generation, topics.newest[0]) + 1", "generation=standing.generation + 1",
        REBASING + "test_a_log_that_forgot_an_earlier_rebase_goes_on_above_the_generation_of_its_topics",
        needs_kafka=True,
    ),
    Mutant(
        "ids-that-come-round-believed", "outbox/reading.py",
        '"rebase": lease.rebase_position', '"rebase": 0',
        "tests/integration/test_rebased_log.py::test_an_id_that_comes_round_again_brings_no_old_row_with_it",
    ),
    Mutant(
        "progress-of-the-broker-not-read", "outbox/takeover.py",
        "while state.position < progress.position:", "while False:",
        TRANSACTIONAL + "test_a_page_that_was_committed_on_kafka_and_not_in_the_database_is_not_published_again",
        needs_kafka=True,
    ),
    Mutant(
        "broker-ahead-of-the-database-ignored", "outbox/takeover.py",
        "if newest is not None and newest > (lease.generation, state.window_id):", "if False:",
        LEADING + "test_topics_that_are_ahead_of_the_database_stop_the_relay",
    ),
    Mutant(
        "horizon-compared-with-less-than", INBOX_SQL,
        "e.counted <= h.highest", "e.counted < h.highest",
        RETENTION + "test_both_ends_of_the_horizon_belong_to_it_and_what_lies_outside_takes_effect",
    ),
    Mutant(
        "horizon-without-a-lower-end", INBOX_SQL,
        "AND e.counted >= h.lowest AND", "AND e.counted <> '' AND",
        RETENTION + "test_both_ends_of_the_horizon_belong_to_it_and_what_lies_outside_takes_effect",
    ),
    Mutant(
        "horizon-lowered", INBOX_SQL,
        "highest = greatest(h.highest, excluded.highest)", "highest = excluded.highest",
        RETENTION + "test_the_horizon_is_raised_by_what_is_pruned_later_and_never_lowered",
    ),
    Mutant(
        "horizon-for-all-types", INBOX_SQL,
        "AND h.event_type = e.event_type AND e.counted", "AND e.counted",
        RETENTION + "test_a_handler_declared_later_sees_the_events_that_were_ignored_though_the_horizon_is_above_them",
    ),
    Mutant(
        "horizon-for-all-partitions", INBOX_SQL,
        "h.topic = e.topic AND h.partition = e.partition\n      AND h.event_type = e.event_type AND e.counted",
        "h.topic = e.topic\n      AND h.event_type = e.event_type AND e.counted",
        RETENTION + "test_the_horizon_of_a_partition_a_topic_a_source_or_a_consumer_is_no_others",
    ),
    Mutant(
        "malformed-sequence-compared", "inbox/horizon.py",
        'return sequence if _SEQUENCE.fullmatch(sequence) else ""', "return sequence",
        RETENTION + "test_a_malformed_sequence_neither_raises_the_horizon_nor_is_compared_with_it",
    ),
    Mutant(
        "sent-back-consumer-pruned", INBOX_SQL,
        'ON h."offset" >= o.next_offset', "ON false",
        RETENTION + "test_a_consumer_that_was_sent_back_is_not_pruned_before_it_has_passed_again_what_was_pruned",
    ),
    Mutant(
        "parked-id-pruned", INBOX_SQL,
        "AND (p.resolved_at IS NULL OR p.resolved_at", "AND (p.resolved_at",
        RETENTION + "test_ids_of_unresolved_parked_events_stay_and_what_queues_behind_them_too",
    ),
    Mutant(
        "pruned-without-the-offset-lock", "inbox/pruning.py",
        "if not lock_partition(cursor, share.consumer, (share.topic, share.partition)):", "if False:",
        INBOX_PRUNING + "test_a_redelivery_that_arrives_while_its_id_is_being_pruned_waits_and_is_a_duplicate",
    ),
    Mutant(
        "pruned-before-the-offset-lock", "inbox/pruning.py", LOCK_THEN_PRUNE, PRUNE_THEN_LOCK,
        INBOX_PRUNING + "test_a_redelivery_that_arrives_while_its_id_is_being_pruned_waits_and_is_a_duplicate",
    ),
    Mutant(
        "redriven-without-the-offset-lock", "inbox/redriving.py",
        "        lock_partition(cursor, event.consumer, (event.topic, event.partition))\n", "",
        "tests/races/test_redriving.py::"
        "test_the_consumer_waits_for_the_redrive_of_its_partition_and_queues_nothing_behind_what_is_gone",
    ),
    Mutant(
        "ids-before-the-offset-lock", "inbox/receiving.py",
        "_lock_offsets(cursor, consumer, records, expected)\n        known = _look(cursor, consumer, records)\n"
        "        fresh = remember(cursor, consumer, [record for record in records if record.identity not in known])\n",
        "known: dict[Identity, bytes] = {}\n        fresh = remember(cursor, consumer, records)\n"
        "        _lock_offsets(cursor, consumer, records, expected)\n",
        INBOX_PRUNING + "test_a_redelivery_that_arrives_while_its_id_is_being_pruned_waits_and_is_a_duplicate",
    ),
    Mutant(
        "offset-outside-the-transaction", RECEIVING,
        "        _move_offsets(cursor, consumer, records)\n    return outcomes\n",
        "    with connection.cursor() as cursor:\n        _move_offsets(cursor, consumer, records)\n"
        "    return outcomes\n",
        CONSUMER_CRASHES + "[consumer-C09: follow-up events recorded, offset not moved]", needs_kafka=True,
    ),
    Mutant(
        "batch-remembered-in-another-transaction", RECEIVING,
        "        stale = [record for record in records if record.identity not in fresh]\n",
        "    with begin() as cursor:\n        stale = [record for record in records if record.identity not in fresh]\n",
        CONSUMER_CRASHES + "[consumer-C08: 2 of n effects written]", needs_kafka=True,
    ),
    Mutant(
        "deduped-by-the-offset-alone", "inbox/applying.py",
        "if record.identity not in self._fresh:", "if False:",
        ONCE + "test_an_event_that_comes_again_at_another_offset_calls_no_handler[in two]",
    ),
    Mutant(
        "handler-called-for-a-second-copy", "inbox/applying.py",
        "        self._fresh.discard(record.identity)", "        pass",
        ONCE + "test_an_event_that_comes_again_at_another_offset_calls_no_handler[in one batch]",
    ),
    Mutant(
        "deduped-by-id-without-source", "inbox/record.py",
        "identity=(envelope.source, envelope.id)", 'identity=("", envelope.id)',
        "tests/integration/test_receiving.py::test_the_same_id_with_money_from_two_sources_is_booked_twice",
    ),
    Mutant(
        "other-content-dropped", "inbox/applying.py",
        "if self._known.get(record.identity, record.digest) != record.digest:", "if False:",
        "tests/integration/test_receiving.py::test_a_third_content_under_one_id_is_quarantined_too",
    ),
    Mutant(
        "ids-inserted-unsorted", INBOX_SQL,
        'ORDER BY event_id COLLATE "C", source COLLATE "C", n\n', "ORDER BY n\n",
        ONCE + "test_the_same_ids_in_two_orders_at_once_deadlock_nobody",
    ),
    Mutant(
        "auto-commit-on", "inbox/source.py",
        '"enable.auto.commit": False,', '"enable.auto.commit": True,',
        KAFKAS_OFFSETS + "test_kafka_is_never_told_more_than_the_database_has", needs_kafka=True,
    ),
    Mutant(
        "offsets-read-back-from-kafka", "inbox/source.py",
        "kafka.incremental_assign([TopicPartition(topic, number, offset)",
        "kafka.incremental_assign([TopicPartition(topic, number, -1000)",
        KAFKAS_OFFSETS + "test_what_kafka_was_told_is_not_read_back", needs_kafka=True,
    ),
    Mutant(
        "reset-to-the-latest", "inbox/source.py",
        '"auto.offset.reset": "error",', '"auto.offset.reset": "latest",',
        LOST_EVENT, needs_kafka=True,
    ),
    Mutant(
        "reset-to-the-earliest", "inbox/source.py",
        '"auto.offset.reset": "error",', '"auto.offset.reset": "earliest",',
        LOST_EVENT, needs_kafka=True,
    ),
    Mutant(
        "offset-compared-with-the-records-own", RECEIVING,
        "if stored.get(partition) != expected[partition]:",
        "if stored.get(partition) != min(r.offset for r in records if (r.topic, r.partition) == partition):",
        ONCE + "test_gaps_in_the_offsets_are_passed",
    ),
    Mutant(
        "offset-not-compared", RECEIVING,
        "if stored.get(partition) != expected[partition]:", "if False:",
        "tests/integration/test_receiving.py::test_a_consumer_with_a_stale_offset_changes_nothing",
    ),
    Mutant(
        "parked-without-blocking", INBOX_SQL,
        "AND reason IN ('failed', 'queued')\n  AND partition_key", "AND reason = 'queued'\n  AND partition_key",
        ONCE + "test_later_events_of_a_parked_key_queue_and_other_keys_flow",
    ),
    Mutant(
        "behind-the-failing-one-one-is-skipped", ISOLATING,
        "self.make(calls[failed.start + 1 :]", "self.make(calls[failed.start + 2 :]",
        ISOLATED + "test_what_fails_is_parked_and_all_others_take_effect_once_and_in_order[one by one]",
    ),
    Mutant(
        "parked-for-failing-among-others", ISOLATING,
        "            self.make([calls[failed.start]], tries=tries)\n",
        "            self._insist(calls[failed.start], failed.error, tries=self._attempts)\n",
        ISOLATED + "test_an_event_that_fails_only_once_is_not_parked[one by one]",
    ),
    Mutant(
        "failed-piece-kept", ISOLATING,
        "self._cursor.execute(sql.UNDO_PIECE)", "pass",
        ISOLATED + "test_what_fails_is_parked_and_all_others_take_effect_once_and_in_order[a run]",
    ),
    Mutant(
        "hooks-of-what-was-undone-run", ISOLATING,
        "del connection.run_on_commit[hooks:]", "pass",
        ISOLATED + "test_what_fails_is_parked_and_all_others_take_effect_once_and_in_order[a run]",
    ),
    Mutant(
        "isolated-without-blocking", ISOLATING,
        "self._blocked.add(call.record.ordered_key)", "pass",
        ISOLATED + "test_later_events_of_the_key_in_the_same_batch_wait_behind_it_whoever_handles_them[a run]",
    ),
    Mutant(
        "deferred-constraints-left-to-the-commit", INBOX_SQL,
        "\nSET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; RELEASE", "\nRELEASE",
        ISOLATED + "test_a_handler_that_fails_without_raising_is_found_out"
        "[break_a_deferred_constraint-inbox_test_child-a run]",
    ),
    Mutant(
        "parked-in-another-transaction", "inbox/applying.py",
        "    outcomes[Outcome.PARKED] = park(",
        "    cursor.execute('COMMIT')\n    cursor.execute('BEGIN')\n    outcomes[Outcome.PARKED] = park(",
        FAILING + "test_consumer_killed_around_a_failing_event_parks_it_once_and_goes_on"
        "[C18: parked, offset not moved]",
        needs_kafka=True,
    ),
    Mutant(
        "ended-transaction-taken-for-a-failure", "inbox/retrying.py",
        '"25P03", ', "",
        FAILING + "test_consumer_stopped_around_a_failing_event_parks_nothing_twice[C18: parked, offset not moved]",
        needs_kafka=True,
    ),
    Mutant(
        "stale-fetch-received", "inbox/source.py",
        "return partition not in self.stopped and int(message.offset() or 0) >= self.expected.get(partition, 2**63)",
        "return True",
        "tests/integration/test_stale_fetches.py::"
        "test_what_was_in_hand_when_its_partition_went_is_not_received[consumer]", needs_kafka=True,
    ),
    Mutant(
        "topics-not-glanced-at", "inbox/topic_guard.py",
        "if time.monotonic() < self._glance_at or (topics", "if True or (topics",
        STOPPED + "test_a_topic_that_is_made_again_while_its_consumer_sleeps_is_seen_when_it_wakes[consumer]",
        needs_kafka=True,
    ),
    Mutant(
        "nobody-looks-for-a-person", "inbox/topic_guard.py",
        "        self._look_for_a_person()\n", "",
        STOPPED + "test_partitions_added_stop_the_topic_and_it_goes_on_where_it_stands[consumer]", needs_kafka=True,
    ),
    Mutant(
        "reset-told-as-retention", "inbox/topic_guard.py",
        "problem = _find_change(row, self._inquiry.wait()[row.topic])", 'problem = ""',
        STOPPED + "test_an_offset_that_a_smaller_new_topic_does_not_have_is_told_as_a_topic_made_again[consumer]",
        needs_kafka=True,
    ),
    Mutant(
        "isolation-left-to-the-database", RECEIVING,
        'cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")', "pass",
        "tests/integration/test_receiving.py::test_every_transaction_is_read_committed_whatever_the_database_prefers",
    ),
    Mutant(
        "redriven-without-its-mark", "inbox/late_effect.py",
        "    apply_event(event.consumer, record.envelope)\n",
        "    apply_event(event.consumer, record.envelope)\n    cursor.execute('COMMIT')\n    cursor.execute('BEGIN')\n",
        "tests/faults/test_redrive_crashes.py::"
        "test_redrive_killed_at_c19_leaves_neither_effect_nor_mark", needs_kafka=True,
    ),
    Mutant(
        "gateway-answers-without-a-memory", "gateway/idempotency.py",
        "return _replay(stored, request) if stored else", "return",
        GATEWAY + "test_a_charge_whose_answer_is_lost_is_found_under_its_key",
    ),
    Mutant(
        "gateway-key-taken-by-two", "gateway/idempotency.py",
        "if key in _in_use:", "if False:", GATEWAY + "test_requests_at_the_same_moment_under_one_key_make_one_charge",
    ),
    Mutant(
        "gateway-parameters-not-compared", "gateway/idempotency.py",
        "if stored.request_digest != _digest(request):", "if False:",
        GATEWAY + "test_other_parameters_under_the_key_are_refused",
    ),
    Mutant(
        "gateway-keys-for-ever", "gateway/idempotency.py",
        "created__gt=_oldest()", "created__gt=0", GATEWAY + "test_keys_live_as_long_as_is_set_and_are_pruned",
    ),
    Mutant(
        "gateway-cancels-what-is-paid", "gateway/intents.py",
        "CANCELABLE = (*CONFIRMABLE,", "CANCELABLE = (*CONFIRMABLE, Status.SUCCEEDED,",
        GATEWAY_INTENTS + "test_what_a_status_does_not_allow_is_refused_with_the_intent_as_it_is",
    ),
    Mutant(
        "gateway-search-for-any-value", "gateway/searching.py",
        ".filter(found=value)", ".filter(found__isnull=False)",
        GATEWAY_INTENTS + "test_a_search_finds_by_metadata_exactly_and_the_client_turns_the_pages",
    ),
    Mutant(
        "gateway-refunds-what-was-released", "gateway/refunds.py",
        "left = charge.amount_captured - charge.amount_refunded", "left = charge.amount - charge.amount_refunded",
        GATEWAY_REFUNDS + "test_no_more_is_given_back_than_is_left",
    ),
    Mutant(
        "gateway-signature-without-its-time", "gateway/webhooks.py",
        'f"{at}.".encode() + body', "body",
        WEBHOOKS + "test_capture_and_cancellation_are_told",
    ),
    Mutant(
        "gateway-tells-once", "gateway/webhooks.py",
        "if not delivery.problem:", "if True:",
        WEBHOOKS + "test_an_event_is_told_again_until_it_is_answered_with_2xx",
    ),
    Mutant(
        "gateway-lets-go-of-nothing", "gateway/webhooks.py",
        "        _let_go_of_held(delivery)\n", "",
        WEBHOOKS + "test_a_webhook_comes_after_a_later_one_when_it_is_asked_for",
    ),
    Mutant(
        "gateway-charges-before-it-fails", "gateway/performing.py",
        """        if "fail_stored" in attempt.faults:
            raise api_error()
        with transaction.atomic():
            status, body = execute(checked, attempt)
""", """        status, body = execute(checked, attempt)
        if "fail_stored" in attempt.faults:
            raise api_error()
""",
        WEBHOOKS + "test_what_did_not_happen_is_not_told",
    ),
    Mutant(
        "second-worker-not-fenced", "payments/gateway_calls.py",
        "is_free = Q(state=State.PENDING) | Q(state__in=_OPEN, due_at__lte=now)", "is_free = Q(state__in=_OPEN)",
        "tests/faults/test_workers_twice.py::test_of_many_workers_with_one_task_one_makes_the_call",
    ),
    Mutant(
        "late-conclusion-written-over", "payments/gateway_calls.py",
        "if call.state in (State.CONFIRMED, State.REFUSED):", "if False:",
        "tests/faults/test_workers_twice.py::test_worker_stopped_at_c24_wakes_when_another_one_has_done_the_task",
    ),
    Mutant(
        "sweep-waits-and-takes-again", "payments/gateway_calls.py",
        "select_for_update(skip_locked=True)", "all()",
        "tests/faults/test_workers_twice.py::test_beat_twice_at_c25_takes_every_due_call_once",
    ),
]  # fmt: skip
