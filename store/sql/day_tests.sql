-- The drift tests that stood at $seq, of the windows of one model version that end in ($from, $to].
SELECT site, segment, monitor, about, measure, window_to, value, n_current,
       TRY_CAST(json_extract_string(details, '$.p_value') AS DOUBLE) AS p_value,
       TRY_CAST(json_extract_string(details, '$.chi_square') AS DOUBLE) AS chi_square,
       TRY_CAST(json_extract_string(details, '$.degrees') AS BIGINT) AS degrees
FROM result_at($seq)
WHERE model = $model AND version = $version AND monitor IN ('drift', 'prediction_drift', 'label_drift')
  AND window_to > $from AND window_to <= $to
