-- A row is one leaf, the hash it should have, and what its text must begin with and hold by what its columns say (the
-- keys of canonical JSON come in alphabetical order). In the order in which leaves lie, which is by seq unless somebody
-- moved them. Asked by store/trail.py when the trail is verified.
SELECT
    seq, encode(leaf) AS leaf, leaf_hash,
    encode('{"about":"' || about || '","details":{') AS head,
    encode(
        '},"event":"' || event || '","known_at":"' || strftime(known_at, '%Y-%m-%dT%H:%M:%S.%fZ')
        || '","private_sha256":"'
    ) AS middle,
    encode('","schema":"bailiwick/leaf/1","seq":' || seq || ',"tables":{') AS tail
FROM audit_leaf
