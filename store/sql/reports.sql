-- A row is a built report, the newest first. Parameters: seq. Asked by the Reports page and by verification.
SELECT r.id, r.pack, r.model, r.version, r.period_from AS "from", r.period_to AS "to", r.as_of, r.format, r.state,
       r.sha256, r.evidence_sha256, r.file, r.seq, r.known_at,
       json_extract_string(p.private, '$.actor') AS built_by
FROM report r LEFT JOIN audit_private p USING (seq)
WHERE r.seq <= ? AND {allowed}
ORDER BY r.seq DESC
