-- Blocks of a model version whose counts or contributions changed after $since, with the seq of the last change.
SELECT site, segment, block, max(seq) AS seq
FROM (
    SELECT site, segment, block, seq
    FROM summary
    WHERE seq <= $seq AND seq > $since AND model = $model AND version = $version AND spec_hash = $spec_hash
    UNION ALL
    SELECT site, NULL AS segment, block, seq
    FROM attribution
    WHERE seq <= $seq AND seq > $since AND model = $model AND version = $version
)
GROUP BY ALL
