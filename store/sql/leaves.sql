-- A row is one leaf with what it says of itself, whether its columns say the same, and what stands beside it.
-- Asked by store/trail.py when the trail is verified.
WITH told AS (
    SELECT *, CASE WHEN json_valid(leaf) THEN
        json_extract_string(leaf, ['$.seq', '$.known_at', '$.event', '$.about', '$.private_sha256']) END AS said
    FROM audit_leaf
)
SELECT
    seq, known_at, event, about, encode(leaf) AS leaf, leaf_hash, digests, said[5] AS private_sha256, encode(salt || private) AS beside,
    coalesce(
        said[1] = seq::VARCHAR AND said[2] = strftime(known_at, '%Y-%m-%dT%H:%M:%S.%fZ')
        AND said[3] = event AND said[4] = about, FALSE
    ) AS agrees
FROM told LEFT JOIN audit_private USING (seq) ORDER BY seq
