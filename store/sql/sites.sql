-- A row is a site as it stands, with what came from it. Parameters: seq, seq. Asked by the Sites page and silence.
-- A site's contact is its newest event, not the moment old rows arrived: a backfill does not make it live.
WITH arrived AS (
    SELECT site, count(*) AS batches, max(known_at) AS last_batch_at, max(last_event) AS last_event,
           sum(rows) FILTER (WHERE kind <> 'labels')::BIGINT AS rows, sum(kept) FILTER (WHERE kind <> 'labels')::BIGINT AS kept,
           sum(kept) FILTER (WHERE kind = 'labels')::BIGINT AS labels, sum(quarantined)::BIGINT AS quarantined,
           sum(duplicates)::BIGINT AS duplicates, sum(bytes)::BIGINT AS bytes
    FROM batch WHERE seq <= ? AND kind NOT IN ('reference', 'reference-attributions') GROUP BY site
)
SELECT s.site, s.title, s.kind, s.region, s.jurisdiction, s.timezone, s.sharing, s.contact_window_s, s.clock_skew_s,
       a.last_event, a.last_batch_at, a.last_event AS last_contact, coalesce(a.batches, 0) AS batches,
       coalesce(a.rows, 0) AS rows, coalesce(a.kept, 0) AS kept, coalesce(a.labels, 0) AS labels, coalesce(a.quarantined, 0) AS quarantined,
       coalesce(a.duplicates, 0) AS duplicates, coalesce(a.bytes, 0) AS bytes
FROM site_at(?) s LEFT JOIN arrived a USING (site)
WHERE {allowed}
ORDER BY s.site
