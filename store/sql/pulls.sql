-- A row is one pull: its last visit, the files it has taken, those it was refused as they stand, and the last refusal.
-- Parameters: seq, seq. Asked by store/reads/pulls.py for `pull list` and the page Sites.
WITH visit AS (
    SELECT * FROM pull_run WHERE seq <= ? AND {allowed} QUALIFY row_number() OVER (PARTITION BY pull ORDER BY seq DESC) = 1
), file AS (
    SELECT * FROM pull_file WHERE seq <= ? QUALIFY row_number() OVER (PARTITION BY pull, file ORDER BY seq DESC) = 1
), seen AS (
    SELECT pull, count(*) AS seen, count(refused) AS refused, arg_max(file, seq) FILTER (refused IS NOT NULL) AS refused_file,
        arg_max(refused, seq) FILTER (refused IS NOT NULL) AS refused_why
    FROM file GROUP BY pull
)
SELECT visit.pull, visit.site, visit.place, visit.started_at AS last_visit, visit.next_at, visit.found, visit.taken,
    coalesce(seen.seen, 0) AS seen, coalesce(seen.refused, 0) AS refused, seen.refused_file, seen.refused_why,
    visit.waiting, visit.failures, visit.error, visit.advice, visit.seq
FROM visit LEFT JOIN seen USING (pull) ORDER BY visit.pull
