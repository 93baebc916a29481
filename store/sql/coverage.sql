-- A row is a site and what it gave one model in a period. Parameters: $seq, $model, $version, $start, $end.
-- Asked by reports (coverage comes first) and the model page. Hours are counted from the outputs, else the inputs.
WITH mine AS (
    SELECT * FROM batch
    WHERE seq <= $seq AND model = $model AND ($version IS NULL OR version IS NULL OR version = $version)
      AND kind IN ('predictions', 'labels', 'summaries') AND coalesce(last_event, known_at) >= $start
      AND coalesce(first_event, known_at) < $end
), arrived AS (
    SELECT site, count(*) AS batches, sum(rows)::BIGINT AS rows, sum(kept)::BIGINT AS kept,
           sum(quarantined)::BIGINT AS quarantined, sum(duplicates)::BIGINT AS duplicates, list(reasons) AS all_reasons,
           sum(bytes)::BIGINT AS bytes, min(first_event) AS first_event, max(last_event) AS last_event
    FROM mine GROUP BY site
), blocks AS (
    SELECT site, block, grain, section, list_sum(counts) AS cells FROM summary
    WHERE seq <= $seq AND model = $model AND ($version IS NULL OR version = $version) AND segment IS NULL
      AND block >= $start AND block < $end
), covered AS (
    SELECT site,
           count(DISTINCT block) FILTER (WHERE grain = 'hour') AS hours_with_data,
           count(DISTINCT date_trunc('day', block)) AS days_with_data,
           sum(cells) FILTER (WHERE section = 'outcomes')::BIGINT AS outcomes
    FROM blocks GROUP BY site
), sections AS (
    SELECT site, counts FROM summary
    WHERE seq <= $seq AND model = $model AND ($version IS NULL OR version = $version) AND segment IS NULL
      AND section = 'labelled' AND block >= $start AND block < $end
), spec AS (
    SELECT any_value(json_extract(spec, '$.prediction')) AS prediction, any_value(json_extract(spec, '$.groups')) AS groups
    FROM bin_spec_at($seq) WHERE model = $model AND ($version IS NULL OR version = $version)
), joint AS (
    SELECT power(coalesce(json_array_length(prediction, '$.values'), 0) + 1, 2)
           * coalesce(list_product(list_transform(from_json(groups, '["JSON"]'), lambda g: json_array_length(g, '$.values') + 2)), 1) AS cells
    FROM spec
), labelled AS (
    SELECT site, sum(list_sum(counts[1:(SELECT cells FROM joint)::BIGINT]))::BIGINT AS labelled FROM sections GROUP BY site
)
SELECT site_version.site, site_version.sharing, site_version.contact_window_s,
       coalesce(a.batches, 0) AS batches, coalesce(a.rows, 0) AS rows, coalesce(a.kept, 0) AS kept,
       coalesce(a.quarantined, 0) AS quarantined, coalesce(a.duplicates, 0) AS duplicates, a.all_reasons,
       coalesce(a.bytes, 0) AS bytes, a.first_event, a.last_event, c.hours_with_data, c.days_with_data,
       greatest(0, date_diff('hour', coalesce(a.last_event, $start), $end)) AS silent_hours,
       coalesce(c.outcomes, 0) AS outcomes, coalesce(l.labelled, 0) AS labelled
FROM site_at($seq) site_version LEFT JOIN arrived a USING (site) LEFT JOIN covered c USING (site) LEFT JOIN labelled l USING (site)
WHERE {allowed} AND (a.batches IS NOT NULL OR c.site IS NOT NULL)
ORDER BY site_version.site
