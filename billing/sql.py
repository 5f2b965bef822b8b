"""The statements of billing that are more than Django's ORM can say."""

#: The next due subscriptions. SKIP LOCKED: several renewals share the work, and none waits for another's chunk, nor for
#: a subscription that is being cancelled. One that another renewal has just moved on is looked at anew, and not due.
TAKE_DUE = """
SELECT id FROM billing_subscription
WHERE state = 'active' AND next_cycle_on <= %(as_of)s
ORDER BY next_cycle_on, id LIMIT %(limit)s
FOR UPDATE SKIP LOCKED
"""
#: One open invoice for the next cycle of each. The unique constraint has the last word, whoever else issued it.
ISSUE = """
INSERT INTO billing_invoice
    (id, customer_id, subscription_id, billing_cycle, reference, amount, currency, payment_method, state, version,
     issued_at)
SELECT uuidv7(), s.customer_id, s.id, s.cycle_prefix || c.first_day, p.id || ' ' || c.first_day, p.amount,
       p.currency, s.payment_method, 'open', 1, now()
FROM billing_subscription AS s JOIN billing_plan AS p ON p.id = s.plan_id,
     to_char(s.next_cycle_on, 'YYYY-MM-DD') AS c (first_day)
WHERE s.id = ANY (%(ids)s)
ON CONFLICT (customer_id, billing_cycle) WHERE billing_cycle <> '' DO NOTHING
RETURNING id
"""
#: Counted from the anchor, not from the cycle before: after Jan 31 and Feb 28 comes Mar 31.
MOVE_ON = """
UPDATE billing_subscription
SET cycles = cycles + 1, next_cycle_on = (anchor_on + make_interval(months => cycles + 1))::date
WHERE id = ANY (%(ids)s)
"""
