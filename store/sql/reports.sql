-- A row is a built report, the newest first. Parameters: seq, seq. Asked by the Reports page and by verification.
-- `stage` is where a file stands: draft (something required is missing), ready (nothing is), in review (submitted),
-- reviewed, flagged (with `reason`), approved (its issued file stands beside it), issued.
WITH step AS (
    SELECT id, arg_max(step, seq) AS step, arg_max(reason, seq) AS reason,
           list({'step': step, 'by': actor, 'at': known_at, 'reason': reason} ORDER BY seq) AS steps
    FROM report_step WHERE seq <= ? GROUP BY id
)
-- A report on all models has model *; site is its only site, where it has one.
SELECT r.id, r.pack, r.model, r.version, r.period_from AS "from", r.period_to AS "to", r.as_of, r.format, r.state,
       CASE WHEN r.state = 'ISSUED' THEN 'issued'
            WHEN s.step IS NOT NULL THEN CASE s.step WHEN 'submitted' THEN 'in review' ELSE s.step END
            WHEN r.gaps <> '[]' THEN 'draft' ELSE 'ready' END AS stage,
       r.gaps, s.reason, s.steps, r.draft, r.site,
       r.sha256, r.evidence_sha256, r.file, r.seq, r.known_at,
       json_extract_string(p.private, '$.actor') AS built_by
FROM report r LEFT JOIN audit_private p USING (seq) LEFT JOIN step s ON s.id = r.id
WHERE r.seq <= ? AND {allowed}
ORDER BY r.seq DESC
