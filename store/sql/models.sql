-- A row is a model version as it stands, with what is known of it; of each model the newest that serves comes first. Parameter: $seq. Asked by the Models page.
WITH present AS (
    SELECT r.*, row_number() OVER (PARTITION BY site, segment, monitor, about, measure, model, version ORDER BY window_to DESC) AS nth
    FROM result_at($seq) r
), state AS (
    SELECT model, version,
           CASE WHEN bool_or(status = 'outside') THEN 'outside' WHEN bool_or(status = 'stale') THEN 'stale'
                WHEN bool_or(status = 'unclear') THEN 'unclear' WHEN bool_or(status = 'within') THEN 'within'
                ELSE 'too_few' END AS worst
    FROM present WHERE nth = 1 GROUP BY ALL
), arrived AS (
    SELECT model, version, list_sort(list(DISTINCT site)) AS sites, max(last_event) AS last_event, sum(kept)::BIGINT AS rows
    FROM batch WHERE seq <= $seq AND kind IN ('predictions', 'summaries') GROUP BY ALL
), alerts AS (
    SELECT model, version, count(*) AS open_alerts FROM alert_at($seq)
    WHERE condition = 'firing' AND triage <> 'resolved' GROUP BY ALL
)
SELECT m.model, m.version, m.revision, m.known_at, m.document, m.file_sha256, m.origin, b.spec_hash, b.learned_from,
       first.seq AS added_seq, coalesce(a.sites, []) AS sites, a.last_event, coalesce(a.rows, 0) AS rows,
       coalesce(s.worst, 'no_data') AS worst, coalesce(al.open_alerts, 0) AS open_alerts
FROM model_at($seq) m
JOIN (SELECT model, version, min(seq) AS seq FROM model_version GROUP BY ALL) first USING (model, version)
LEFT JOIN bin_spec_at($seq) b USING (model, version)
LEFT JOIN arrived a USING (model, version) LEFT JOIN state s USING (model, version) LEFT JOIN alerts al USING (model, version)
WHERE {allowed}
ORDER BY m.model, (m.origin = 'file' OR a.model IS NOT NULL) DESC, first.seq DESC
