"""Planted bugs of inbox/: each breaks one promise, and names the test that must see it."""

from tests.mutants.mutant import Mutant

INBOX_SQL = "inbox/sql.py"
RETENTION = "tests/integration/test_inbox_retention.py::"
INBOX_PRUNING = "tests/races/test_inbox_pruning.py::"
LOCK_THEN_PRUNE = """\
        if share.topic != NO_TOPIC and not lock_partition(cursor, share.consumer, (share.topic, share.partition)):
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
LOST_EVENT = (
    "tests/integration/test_consumer.py::test_a_partition_that_lost_its_next_event_stops_with_one_line_and_others_flow"
)

MUTANTS = [
    Mutant(
        "horizon-compared-with-less-than",
        INBOX_SQL,
        "e.counted <= h.highest",
        "e.counted < h.highest",
        RETENTION + "test_both_ends_of_the_horizon_belong_to_it_and_what_lies_outside_takes_effect",
    ),
    Mutant(
        "horizon-without-a-lower-end",
        INBOX_SQL,
        "AND e.counted >= h.lowest AND",
        "AND e.counted <> '' AND",
        RETENTION + "test_both_ends_of_the_horizon_belong_to_it_and_what_lies_outside_takes_effect",
    ),
    Mutant(
        "horizon-lowered",
        INBOX_SQL,
        "highest = greatest(h.highest, excluded.highest)",
        "highest = excluded.highest",
        RETENTION + "test_the_horizon_is_raised_by_what_is_pruned_later_and_never_lowered",
    ),
    Mutant(
        "horizon-for-all-types",
        INBOX_SQL,
        "AND h.event_type = e.event_type AND e.counted",
        "AND e.counted",
        RETENTION + "test_a_handler_declared_later_sees_the_events_that_were_ignored_though_the_horizon_is_above_them",
    ),
    Mutant(
        "horizon-for-all-partitions",
        INBOX_SQL,
        "h.topic = e.topic AND h.partition = e.partition\n      AND h.event_type = e.event_type AND e.counted",
        "h.topic = e.topic\n      AND h.event_type = e.event_type AND e.counted",
        RETENTION + "test_the_horizon_of_a_partition_a_topic_a_source_or_a_consumer_is_no_others",
    ),
    Mutant(
        "malformed-sequence-compared",
        "inbox/horizon.py",
        'return sequence if _SEQUENCE.fullmatch(sequence) else ""',
        "return sequence",
        RETENTION + "test_a_malformed_sequence_neither_raises_the_horizon_nor_is_compared_with_it",
    ),
    Mutant(
        "sent-back-consumer-pruned",
        INBOX_SQL,
        'ON h."offset" >= o.next_offset',
        "ON false",
        RETENTION + "test_a_consumer_that_was_sent_back_is_not_pruned_before_it_has_passed_again_what_was_pruned",
    ),
    Mutant(
        "parked-id-pruned",
        INBOX_SQL,
        "AND (p.resolved_at IS NULL OR p.resolution",
        "AND (p.resolution",
        RETENTION + "test_ids_of_unresolved_parked_events_stay_and_what_queues_behind_them_too",
    ),
    Mutant(
        "pruned-without-the-offset-lock",
        "inbox/pruning.py",
        "if share.topic != NO_TOPIC and not lock_partition(cursor, share.consumer, (share.topic, share.partition)):",
        "if False:",
        INBOX_PRUNING + "test_a_redelivery_that_arrives_while_its_id_is_being_pruned_waits_and_is_a_duplicate",
    ),
    Mutant(
        "pruned-before-the-offset-lock",
        "inbox/pruning.py",
        LOCK_THEN_PRUNE,
        PRUNE_THEN_LOCK,
        INBOX_PRUNING + "test_a_redelivery_that_arrives_while_its_id_is_being_pruned_waits_and_is_a_duplicate",
    ),
    Mutant(
        "redriven-without-the-offset-lock",
        "inbox/redriving.py",
        "        lock_partition(cursor, event.consumer, (event.topic, event.partition))\n",
        "",
        "tests/races/test_redriving.py::"
        "test_the_consumer_waits_for_the_redrive_of_its_partition_and_queues_nothing_behind_what_is_gone",
    ),
    Mutant(
        "ids-before-the-offset-lock",
        "inbox/receiving.py",
        "_lock_offsets(cursor, consumer, records, expected)\n        known = _look(cursor, consumer, records)\n"
        "        fresh = remember(cursor, consumer, [record for record in records if record.identity not in known])\n",
        "known: dict[Identity, bytes] = {}\n        fresh = remember(cursor, consumer, records)\n"
        "        _lock_offsets(cursor, consumer, records, expected)\n",
        INBOX_PRUNING + "test_a_redelivery_that_arrives_while_its_id_is_being_pruned_waits_and_is_a_duplicate",
    ),
    Mutant(
        "offset-outside-the-transaction",
        RECEIVING,
        "        _move_offsets(cursor, consumer, records)\n    return outcomes\n",
        "    with connection.cursor() as cursor:\n        _move_offsets(cursor, consumer, records)\n"
        "    return outcomes\n",
        CONSUMER_CRASHES + "[consumer-C09: follow-up events recorded, offset not moved]",
        needs_kafka=True,
    ),
    Mutant(
        "batch-remembered-in-another-transaction",
        RECEIVING,
        "        stale = [record for record in records if record.identity not in fresh]\n",
        "    with begin() as cursor:\n        stale = [record for record in records if record.identity not in fresh]\n",
        CONSUMER_CRASHES + "[consumer-C08: 2 of n effects written]",
        needs_kafka=True,
    ),
    Mutant(
        "deduped-by-the-offset-alone",
        "inbox/applying.py",
        "if record.identity not in self._fresh:",
        "if False:",
        ONCE + "test_an_event_that_comes_again_at_another_offset_calls_no_handler[in two]",
    ),
    Mutant(
        "handler-called-for-a-second-copy",
        "inbox/applying.py",
        "        self._fresh.discard(record.identity)",
        "        pass",
        ONCE + "test_an_event_that_comes_again_at_another_offset_calls_no_handler[in one batch]",
    ),
    Mutant(
        "deduped-by-id-without-source",
        "inbox/record.py",
        "identity=(envelope.source, envelope.id)",
        'identity=("", envelope.id)',
        "tests/integration/test_receiving.py::test_the_same_id_with_money_from_two_sources_is_booked_twice",
    ),
    Mutant(
        "other-content-dropped",
        "inbox/applying.py",
        "if self._known.get(record.identity, record.digest) != record.digest:",
        "if False:",
        "tests/integration/test_receiving.py::test_a_third_content_under_one_id_is_quarantined_too",
    ),
    Mutant(
        "ids-inserted-unsorted",
        INBOX_SQL,
        'ORDER BY event_id COLLATE "C", source COLLATE "C", n\n',
        "ORDER BY n\n",
        ONCE + "test_the_same_ids_in_two_orders_at_once_deadlock_nobody",
    ),
    Mutant(
        "auto-commit-on",
        "inbox/source.py",
        '"enable.auto.commit": False,',
        '"enable.auto.commit": True,',
        KAFKAS_OFFSETS + "test_kafka_is_never_told_more_than_the_database_has",
        needs_kafka=True,
    ),
    Mutant(
        "offsets-read-back-from-kafka",
        "inbox/source.py",
        "take([TopicPartition(topic, number, offset)",
        "take([TopicPartition(topic, number, -1000)",
        KAFKAS_OFFSETS + "test_what_kafka_was_told_is_not_read_back",
        needs_kafka=True,
    ),
    Mutant(
        "reset-to-the-latest",
        "inbox/source.py",
        '"auto.offset.reset": "error",',
        '"auto.offset.reset": "latest",',
        LOST_EVENT,
        needs_kafka=True,
    ),
    Mutant(
        "reset-to-the-earliest",
        "inbox/source.py",
        '"auto.offset.reset": "error",',
        '"auto.offset.reset": "earliest",',
        LOST_EVENT,
        needs_kafka=True,
    ),
    Mutant(
        "offset-compared-with-the-records-own",
        RECEIVING,
        "if stored.get(partition) != expected[partition]:",
        "if stored.get(partition) != min(r.offset for r in records if (r.topic, r.partition) == partition):",
        ONCE + "test_gaps_in_the_offsets_are_passed",
    ),
    Mutant(
        "offset-not-compared",
        RECEIVING,
        "if stored.get(partition) != expected[partition]:",
        "if False:",
        "tests/integration/test_receiving.py::test_a_consumer_with_a_stale_offset_changes_nothing",
    ),
    Mutant(
        "parked-without-blocking",
        INBOX_SQL,
        "AND reason IN ('failed', 'queued')\n  AND partition_key",
        "AND reason = 'queued'\n  AND partition_key",
        ONCE + "test_later_events_of_a_parked_key_queue_and_other_keys_flow",
    ),
    Mutant(
        "behind-the-failing-one-one-is-skipped",
        ISOLATING,
        "self.make(calls[failed.start + 1 :]",
        "self.make(calls[failed.start + 2 :]",
        ISOLATED + "test_what_fails_is_parked_and_all_others_take_effect_once_and_in_order[one by one]",
    ),
    Mutant(
        "parked-for-failing-among-others",
        ISOLATING,
        "            self.make([calls[failed.start]], tries=tries)\n",
        "            self._insist(calls[failed.start], failed.error, tries=self._attempts)\n",
        ISOLATED + "test_an_event_that_fails_only_once_is_not_parked[one by one]",
    ),
    Mutant(
        "failed-piece-kept",
        ISOLATING,
        "self._cursor.execute(sql.UNDO_PIECE)",
        "pass",
        ISOLATED + "test_what_fails_is_parked_and_all_others_take_effect_once_and_in_order[a run]",
    ),
    Mutant(
        "hooks-of-what-was-undone-run",
        ISOLATING,
        "del connection.run_on_commit[hooks:]",
        "pass",
        ISOLATED + "test_what_fails_is_parked_and_all_others_take_effect_once_and_in_order[a run]",
    ),
    Mutant(
        "isolated-without-blocking",
        ISOLATING,
        "self._blocked.add(call.record.ordered_key)",
        "pass",
        ISOLATED + "test_later_events_of_the_key_in_the_same_batch_wait_behind_it_whoever_handles_them[a run]",
    ),
    Mutant(
        "deferred-constraints-left-to-the-commit",
        INBOX_SQL,
        "\nSET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; RELEASE",
        "\nRELEASE",
        ISOLATED + "test_a_handler_that_fails_without_raising_is_found_out"
        "[break_a_deferred_constraint-inbox_test_child-a run]",
    ),
    Mutant(
        "parked-in-another-transaction",
        "inbox/applying.py",
        "    outcomes[Outcome.PARKED] = park(",
        "    cursor.execute('COMMIT')\n    cursor.execute('BEGIN')\n    outcomes[Outcome.PARKED] = park(",
        FAILING + "test_consumer_killed_around_a_failing_event_parks_it_once_and_goes_on"
        "[C18: parked, offset not moved]",
        needs_kafka=True,
    ),
    Mutant(
        "ended-transaction-taken-for-a-failure",
        "inbox/retrying.py",
        '"25P03", ',
        "",
        FAILING + "test_consumer_stopped_around_a_failing_event_parks_nothing_twice[C18: parked, offset not moved]",
        needs_kafka=True,
    ),
    Mutant(
        "stale-fetch-received",
        "inbox/source.py",
        "return partition not in self.stopped and int(message.offset() or 0) >= self.expected.get(partition, 2**63)",
        "return True",
        "tests/integration/test_stale_fetches.py::"
        "test_what_was_in_hand_when_its_partition_went_is_not_received[consumer]",
        needs_kafka=True,
    ),
    Mutant(
        "pause-outlives-its-stop",
        "inbox/source.py",
        "kafka.resume([TopicPartition(*partition) for partition in offsets.keys() - self.stopped])",
        "pass",
        STOPPED + "test_a_stopped_partition_that_comes_back_after_its_offset_was_moved_is_read_on[consumer]",
        needs_kafka=True,
    ),
    Mutant(
        "topics-not-glanced-at",
        "inbox/topic_guard.py",
        "if time.monotonic() < self._glance_at or (topics",
        "if True or (topics",
        STOPPED + "test_a_topic_that_is_made_again_while_its_consumer_sleeps_is_seen_when_it_wakes[consumer]",
        needs_kafka=True,
    ),
    Mutant(
        "nobody-looks-for-a-person",
        "inbox/topic_guard.py",
        "        self._look_for_a_person()\n",
        "",
        STOPPED + "test_partitions_added_stop_the_topic_and_it_goes_on_where_it_stands[consumer]",
        needs_kafka=True,
    ),
    Mutant(
        "reset-told-as-retention",
        "inbox/topic_guard.py",
        "problem = _find_change(row, self._inquiry.wait()[row.topic])",
        'problem = ""',
        STOPPED + "test_an_offset_that_a_smaller_new_topic_does_not_have_is_told_as_a_topic_made_again[consumer]",
        needs_kafka=True,
    ),
    Mutant(
        "isolation-left-to-the-database",
        RECEIVING,
        'cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")',
        "pass",
        "tests/integration/test_receiving.py::test_every_transaction_is_read_committed_whatever_the_database_prefers",
    ),
    Mutant(
        "redriven-without-its-mark",
        "inbox/late_effect.py",
        "    apply_event(event.consumer, record.envelope)\n",
        "    apply_event(event.consumer, record.envelope)\n    cursor.execute('COMMIT')\n    cursor.execute('BEGIN')\n",
        "tests/faults/test_redrive_crashes.py::test_redrive_killed_at_c19_leaves_neither_effect_nor_mark",
        needs_kafka=True,
    ),
]
