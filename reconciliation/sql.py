"""The statements of the temporary tables in which the gateway's lists are turned into the order of payments."""

MAKE_TABLES = """
CREATE TEMPORARY TABLE reconciliation_charge (
    id text PRIMARY KEY, payment_id uuid, intent text, amount bigint, currency text, made_at timestamptz
);
CREATE TEMPORARY TABLE reconciliation_refund (
    id text PRIMARY KEY, charge text, refund_id text, amount bigint, made_at bigint
)
"""
#: A list that is read while charges are made may show one twice.
INSERT_CHARGE = "INSERT INTO reconciliation_charge VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
INSERT_REFUND = "INSERT INTO reconciliation_refund VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
#: After the rows: building an index once is quicker. The statistics keep the planner from reading a table per page.
MAKE_INDEXES = """
CREATE INDEX ON reconciliation_charge (payment_id, id);
CREATE INDEX ON reconciliation_refund (charge);
ANALYZE reconciliation_charge;
ANALYZE reconciliation_refund
"""
_COLUMNS = """
SELECT id, payment_id, intent, amount, currency, made_at,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(r.refund_id, r.amount, r.made_at)), '[]')
        FROM reconciliation_refund AS r WHERE r.charge = c.id)
FROM reconciliation_charge AS c
"""
READ_CHARGES = (
    _COLUMNS
    + """
WHERE payment_id >= %(first)s AND payment_id < %(end)s AND (payment_id, id) > (%(first)s, %(after)s)
ORDER BY payment_id, id LIMIT %(limit)s
"""
)
READ_UNNAMED = (
    _COLUMNS
    + """
WHERE payment_id IS NULL AND made_at >= %(first)s AND made_at < %(end)s AND id > %(after)s
ORDER BY id LIMIT %(limit)s
"""
)
