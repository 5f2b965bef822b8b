-- The ledger is append-only. Statements are refused, not rows: also those that would have changed nothing.
CREATE FUNCTION billing_ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % of billing_ledgerentry refused', TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Book a correction: new lines, under an event of their own.';
END $$;
CREATE TRIGGER ledger_entry_never_changed BEFORE UPDATE OR DELETE ON billing_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION billing_ledger_refuse();
CREATE TRIGGER ledger_entry_never_truncated BEFORE TRUNCATE ON billing_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION billing_ledger_refuse();

-- Double entry: whatever an event books adds up to zero in each currency. Asked at the commit, when all its lines are
-- there; of two transactions that each book half of an event, neither sees the other's half, and both are refused.
CREATE FUNCTION billing_ledger_must_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    difference numeric;
BEGIN
    SELECT sum(amount) INTO difference FROM billing_ledgerentry
    WHERE source = NEW.source AND event_id = NEW.event_id AND currency = NEW.currency;
    IF difference <> 0 THEN
        RAISE EXCEPTION 'the lines of event % of % add up to % %, not to zero',
            NEW.event_id, NEW.source, difference, NEW.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_event_balances', TABLE = 'billing_ledgerentry';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_event_balances AFTER INSERT ON billing_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_ledger_must_balance();
