-- The p-values of the drift tests that stood at $seq, of the windows of one model version that end in ($from, $to].
SELECT site, segment, monitor, about, measure, window_to,
       coalesce(TRY_CAST(json_extract_string(details, '$.p_value') AS DOUBLE), value) AS p_value
FROM result_at($seq)
WHERE model = $model AND version = $version AND monitor IN ('drift', 'prediction_drift', 'label_drift')
  AND window_to > $from AND window_to <= $to
  AND (json_extract_string(details, '$.p_value') IS NOT NULL OR (measure LIKE '%\_p' ESCAPE '\' AND value IS NOT NULL))
