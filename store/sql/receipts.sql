-- A row is one accepted batch, the newest first. Parameter: seq. Asked by every list of receipts.
SELECT batch, site, model, version, format, kind, rows, kept, quarantined, duplicates, ignored, absent, seq, sha256,
       first_event, last_event, reasons, source, bytes, notes, known_at
FROM batch
WHERE seq <= ? AND {allowed}
