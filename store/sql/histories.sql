-- The last windows of every thing that is measured of one model version, oldest first, with what each counts as for
-- alerts: a drift that the tests of its day do not bear out is unclear.
SELECT site, segment, monitor, about, measure, window_to,
       CASE WHEN status = 'outside' AND json_extract_string(details, '$.discovery.stands') = 'false' THEN 'unclear'
            ELSE status END AS counts_as
FROM result_at($seq)
WHERE model = $model AND version = $version
QUALIFY row_number() OVER (PARTITION BY site, segment, monitor, about, measure ORDER BY window_to DESC) <= $most
ORDER BY window_to
