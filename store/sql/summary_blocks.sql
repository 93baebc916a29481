-- A row is one delta of one section, in the order of site and block. Parameters: $seq, $model, $version, $spec_hash,
-- $section, $segment. Asked by every judgement; the addition happens in NumPy, where a vector is a row.
SELECT site, block, grain, counts, variance
FROM summary
WHERE seq <= $seq AND model = $model AND version = $version AND spec_hash = $spec_hash AND section = $section
  AND segment IS NOT DISTINCT FROM $segment AND {allowed}
ORDER BY site, block, grain
