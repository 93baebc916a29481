-- A row is a site and a model with outcomes: how many decisions are due to have one by now, and how many have.
-- Parameters: $seq, $models, $versions, $specs, $joint (cells of the labelled table that stand for rows), $due (moments
-- up to which outcomes are due), as lists in step. Noisy counts have no labels and are left out. Asked by the sites' pages, `site list` and `site show`.
WITH judged AS (
    SELECT unnest($models) AS model, unnest($versions) AS version, unnest($specs) AS spec_hash,
           unnest($joint) AS joint, unnest($due) AS due
)
SELECT s.site, s.model,
       coalesce(sum(list_sum(s.counts)) FILTER (WHERE s.section = 'outcomes'), 0)::BIGINT AS due,
       coalesce(sum(list_sum(s.counts[1:j.joint])) FILTER (WHERE s.section = 'labelled'), 0)::BIGINT AS labelled
FROM summary s JOIN judged j USING (model, version, spec_hash)
WHERE s.seq <= $seq AND s.segment IS NULL AND s.section IN ('outcomes', 'labelled') AND s.variance = 0 AND {allowed}
  AND s.block + CASE s.grain WHEN 'hour' THEN INTERVAL 1 HOUR WHEN 'day' THEN INTERVAL 1 DAY ELSE INTERVAL 7 DAY END
      <= j.due
GROUP BY s.site, s.model
