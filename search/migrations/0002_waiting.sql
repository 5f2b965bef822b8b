-- Every change of an invoice leaves what waits for the index in its own transaction, whoever makes it and however:
-- also by bulk_create, update() or by hand. The version counts changes, so none can forget to raise it.
CREATE FUNCTION search_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_indexedinvoice AS row
        (invoice_id, version, indexed_version, changed_at, due_at, attempts, problem)
    VALUES (NEW.id, 1, 0, clock_timestamp(), clock_timestamp(), 0, '')
    ON CONFLICT (invoice_id) DO UPDATE SET
        version = row.version + 1,
        due_at = clock_timestamp(),
        changed_at = CASE WHEN row.indexed_version < row.version THEN row.changed_at ELSE clock_timestamp() END;
    RETURN NULL;
END $$;
CREATE TRIGGER search_invoice_inserted AFTER INSERT ON billing_invoice
    FOR EACH ROW EXECUTE FUNCTION search_note_change();
CREATE TRIGGER search_invoice_updated AFTER UPDATE ON billing_invoice
    FOR EACH ROW WHEN (NEW IS DISTINCT FROM OLD) EXECUTE FUNCTION search_note_change();

-- The invoices from before. The triggers' lock keeps writers out until the commit: none slips between.
INSERT INTO search_indexedinvoice (invoice_id, version, indexed_version, changed_at, due_at, attempts, problem)
SELECT id, 1, 0, now(), now(), 0, '' FROM billing_invoice;
