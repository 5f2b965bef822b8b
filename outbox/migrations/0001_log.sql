-- The log. Append-only: never updated, and pruned by dropping whole table partitions.
-- A sequence with CACHE 1 (the default): positions are drawn at INSERT, after the aggregate's lock.
CREATE SEQUENCE outbox_event_position;

CREATE TABLE outbox_event (
    position       bigint      NOT NULL DEFAULT nextval('outbox_event_position'),
    -- The top-level id even inside savepoints; the system column xmin would be the subtransaction's.
    transaction_id xid8        NOT NULL DEFAULT pg_current_xact_id(),
    event_id       uuid        NOT NULL,
    source         text        NOT NULL,
    event_type     text        NOT NULL,
    subject        text        NOT NULL,
    aggregate_type text        NOT NULL,
    aggregate_id   text        NOT NULL,
    topic          text        NOT NULL,
    partition_key  text        NOT NULL,
    data           text        NOT NULL,
    headers        jsonb       NOT NULL DEFAULT '{}',
    -- For people. Never used for order: clocks jump, and commit order is another order.
    occurred_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT outbox_event_pkey PRIMARY KEY (position),
    CONSTRAINT outbox_event_data_fits_a_record CHECK (octet_length(data) <= 16777216),
    CONSTRAINT outbox_event_topic_is_named CHECK (topic <> ''),
    CONSTRAINT outbox_event_headers_is_object CHECK (jsonb_typeof(headers) = 'object')
) PARTITION BY RANGE (position);

-- Serves the peek (is there anything new?) and the first position of a window.
CREATE INDEX outbox_event_by_transaction ON outbox_event (transaction_id, position);
-- Serves the admin's search by id and by aggregate.
CREATE INDEX outbox_event_by_id ON outbox_event (event_id);
CREATE INDEX outbox_event_by_aggregate ON outbox_event (aggregate_id, position);

CREATE TABLE outbox_event_p0 PARTITION OF outbox_event FOR VALUES FROM (MINVALUE) TO (10000000);
-- The net below partitions made ahead: a row here is an alarm, never a refused business transaction.
CREATE TABLE outbox_event_default PARTITION OF outbox_event DEFAULT;

CREATE FUNCTION outbox_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'outbox_event is append-only: % of position % refused (%)', TG_OP, NEW.position, TG_ARGV[0];
END $$;
-- A copied row (COPY, logical replication) would carry an id of another time or cluster into the windows.
CREATE TRIGGER outbox_event_of_this_transaction BEFORE INSERT ON outbox_event FOR EACH ROW
    WHEN (NEW.transaction_id <> pg_current_xact_id())
    EXECUTE FUNCTION outbox_event_refuse('transaction_id is not the current one');
CREATE TRIGGER outbox_event_never_updated BEFORE UPDATE ON outbox_event FOR EACH ROW
    EXECUTE FUNCTION outbox_event_refuse('rows never change');

-- One row, updated with the lease only. identity: see sql.IDENTITY.
CREATE TABLE outbox_relay (
    only_row        boolean     PRIMARY KEY DEFAULT true CONSTRAINT outbox_relay_is_one_row CHECK (only_row),
    epoch           bigint      NOT NULL DEFAULT 0,
    owner           text        NOT NULL DEFAULT '',
    lease_until     timestamptz NOT NULL DEFAULT '-infinity',
    identity        text        NOT NULL DEFAULT '',
    generation      integer     NOT NULL DEFAULT 1,
    rebase_position bigint      NOT NULL DEFAULT 0,
    -- {topic: Kafka's id of it}: a topic that was deleted and made again has another one.
    topic_ids       jsonb       NOT NULL DEFAULT '{}'
);

-- Append-only: window n is what snapshot n sees and snapshot n-1 does not (PgQ's tick). An explicit window has both
-- snapshots of the one before it, and names its positions: rows that were parked, or missing after a restore.
CREATE TABLE outbox_window (
    generation     integer     NOT NULL,
    window_id      bigint      NOT NULL,
    epoch          bigint      NOT NULL,
    base_snapshot  pg_snapshot NOT NULL,
    snapshot       pg_snapshot NOT NULL,
    first_position bigint,
    positions      bigint[],
    opened_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT outbox_window_once PRIMARY KEY (generation, window_id)
);

-- Serves pruning's question: which window is the newest from before the retention?
CREATE INDEX outbox_window_by_time ON outbox_window (opened_at);

-- Append-only: one row a page, written after the broker acknowledged the whole page.
CREATE TABLE outbox_progress (
    generation     integer     NOT NULL,
    window_id      bigint      NOT NULL,
    page           integer     NOT NULL,
    position       bigint      NOT NULL,
    first_position bigint      NOT NULL,
    count          integer     NOT NULL,
    parked         integer     NOT NULL DEFAULT 0,
    is_complete    boolean     NOT NULL,
    offsets        jsonb       NOT NULL,
    published_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT outbox_progress_once PRIMARY KEY (generation, window_id, page)
);
-- Serves the admin's question: which page holds this position?
CREATE INDEX outbox_progress_by_position ON outbox_progress (position);

-- Rows that a page passed over: one that the broker refused for good, and later ones of its key, in order; and rows
-- that a rebase found missing on their topic (window 0 of its generation). They block their key until they are resolved:
-- published by a redrive's window, or found on the topic.
CREATE TABLE outbox_parked (
    position            bigint      NOT NULL,
    topic               text        NOT NULL,
    partition_key       text        NOT NULL,
    generation          integer     NOT NULL,
    window_id           bigint      NOT NULL,
    reason              text        NOT NULL,
    problem             text        NOT NULL,
    parked_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    redrive_asked_at    timestamptz,
    resolved_at         timestamptz,
    CONSTRAINT outbox_parked_once PRIMARY KEY (position),
    CONSTRAINT outbox_parked_reason_is_known CHECK (reason IN ('refused', 'queued', 'missing'))
);
-- Serve every page's question, which keys are blocked; the peek's: is a redrive asked for? And the redrive's: what else?
CREATE INDEX outbox_parked_blocked_keys ON outbox_parked (topic, partition_key, position) WHERE resolved_at IS NULL;
CREATE INDEX outbox_parked_redrives ON outbox_parked (position)
    WHERE resolved_at IS NULL AND redrive_asked_at IS NOT NULL;
CREATE INDEX outbox_parked_waiting ON outbox_parked (position)
    WHERE resolved_at IS NULL AND redrive_asked_at IS NULL;

-- Who runs: one row a relay process, written about once a second, leader or not. Not a log: updated in place, and at
-- one update a second the dead versions beside a long transaction stay few.
CREATE TABLE outbox_heartbeat (
    owner     text        NOT NULL,
    beat_at   timestamptz NOT NULL,
    epoch     bigint,
    window_id bigint,
    mode      text        NOT NULL,
    problem   text        NOT NULL DEFAULT '',
    CONSTRAINT outbox_heartbeat_once_per_owner PRIMARY KEY (owner)
) WITH (fillfactor = 50);

INSERT INTO outbox_relay DEFAULT VALUES;
-- The window before the first: its snapshot sees nothing, so the first real window sees everything.
INSERT INTO outbox_window (generation, window_id, epoch, base_snapshot, snapshot) VALUES (1, 0, 0, '1:1:', '1:1:');
INSERT INTO outbox_progress (generation, window_id, page, position, first_position, count, is_complete, offsets)
VALUES (1, 0, 0, 0, 0, 0, true, '{}');
