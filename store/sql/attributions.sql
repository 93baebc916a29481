-- A row is what one input contributed in one block at one site, deltas added. Parameters: $seq, $model, $version,
-- $site, $start, $end (null: all). Asked once per judgement of attribution drift.
SELECT site, block, block_end, grain, input, sum(n)::BIGINT AS n, sum(sum_abs)::DECIMAL(38, 0) AS sum_abs
FROM (
    SELECT *, block + CASE grain WHEN 'hour' THEN INTERVAL 1 HOUR WHEN 'day' THEN INTERVAL 1 DAY
                                 ELSE INTERVAL 7 DAY END AS block_end
    FROM attribution
    WHERE seq <= $seq AND model = $model AND version = $version AND ($site::VARCHAR IS NULL OR site = $site)
      AND {allowed}
)
WHERE ($start::TIMESTAMP IS NULL OR block >= $start) AND ($end::TIMESTAMP IS NULL OR block_end <= $end)
GROUP BY ALL
ORDER BY site, block, grain, input
