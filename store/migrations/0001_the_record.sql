-- The record: append-only tables, each row under the seq of the transaction that wrote it.
-- Bulk tables carry no keys, indexes or constraints: uniqueness is held by the one writer.

-- A row is one audit leaf: what happened, in the order it happened. digests: of the rows written with it, by table, where
-- one table got several; the leaf carries their roots.
CREATE TABLE audit_leaf (
    seq BIGINT, known_at TIMESTAMP, event VARCHAR, about VARCHAR, leaf VARCHAR, leaf_hash VARCHAR, digests VARCHAR
);

-- What must not stand in a leaf (who, and words people wrote); the leaf carries its salted hash.
CREATE TABLE audit_private (seq BIGINT, salt VARCHAR, private VARCHAR);

CREATE TABLE site_version (
    seq BIGINT, known_at TIMESTAMP, site VARCHAR, title VARCHAR, kind VARCHAR, region VARCHAR, jurisdiction VARCHAR,
    timezone VARCHAR, sharing VARCHAR, contact_window_s BIGINT, clock_skew_s BIGINT
);

CREATE TABLE token_version (
    seq BIGINT, known_at TIMESTAMP, token VARCHAR, site VARCHAR, token_sha256 VARCHAR, revoked BOOLEAN
);

CREATE TABLE user_version (
    seq BIGINT, known_at TIMESTAMP, name VARCHAR, password VARCHAR, grants VARCHAR, disabled BOOLEAN
);

-- A row is one revision of one version of a model file; number names the version's row tables.
CREATE TABLE model_version (
    seq BIGINT, known_at TIMESTAMP, number INTEGER, model VARCHAR, version VARCHAR, revision INTEGER,
    document VARCHAR, file_sha256 VARCHAR, reason VARCHAR, changes VARCHAR, origin VARCHAR,
    replay VARCHAR
);

-- A row is one frozen bin spec of a model version.
CREATE TABLE bin_spec (
    seq BIGINT, known_at TIMESTAMP, model VARCHAR, version VARCHAR, spec_hash VARCHAR, spec VARCHAR,
    learned_from VARCHAR
);

-- A row is one table of rows: role is rows, reference or labels; columns tells what x0, g0, s0 ... hold.
CREATE TABLE row_table (
    seq BIGINT, name VARCHAR, role VARCHAR, model VARCHAR, version VARCHAR, columns VARCHAR
);

-- A row is one accepted batch: its receipt, and the digests of its stored rows.
CREATE TABLE batch (
    seq BIGINT, known_at TIMESTAMP, batch VARCHAR, site VARCHAR, model VARCHAR, version VARCHAR, kind VARCHAR,
    format VARCHAR, sha256 VARCHAR, source VARCHAR, bytes BIGINT, rows BIGINT, kept BIGINT, quarantined BIGINT,
    duplicates BIGINT, ignored VARCHAR, absent VARCHAR, reasons VARCHAR, first_event TIMESTAMP, last_event TIMESTAMP,
    table_name VARCHAR, digests VARCHAR[], sources VARCHAR[], notes VARCHAR[]
);

-- A row is one state (kept, taken) of one file whose rows name a model or a version that nobody added; its bytes stand
-- under `folder` in the hub's quarantine/.
CREATE TABLE aside_version (
    seq BIGINT, known_at TIMESTAMP, id VARCHAR, state VARCHAR, site VARCHAR, model VARCHAR, version VARCHAR,
    kind VARCHAR, format VARCHAR, sha256 VARCHAR, source VARCHAR, bytes BIGINT, rows BIGINT, first_event TIMESTAMP,
    last_event TIMESTAMP, folder VARCHAR, file VARCHAR, reader VARCHAR, options VARCHAR, batch VARCHAR
);

-- A row is how far one line file was read: a delivery of that name that begins with the same bytes goes on from there.
CREATE TABLE file_position (
    seq BIGINT, site VARCHAR, model VARCHAR, kind VARCHAR, source VARCHAR, stream VARCHAR, length BIGINT,
    sha256 VARCHAR, next_n BIGINT
);

-- A row is the name that a sender gave to one sending of a batch, hashed.
CREATE TABLE idempotency_key (seq BIGINT, site VARCHAR, key_sha256 VARCHAR, batch VARCHAR);

-- A row is one record that could not be read, with the bytes as they came.
CREATE TABLE quarantine (
    seq BIGINT, known_at TIMESTAMP, id VARCHAR, batch VARCHAR, site VARCHAR, model VARCHAR, source VARCHAR,
    line BIGINT, reason VARCHAR, expected VARCHAR, bytes BLOB
);

-- A row is the signed change to one section's vector in one block at one site for one segment.
CREATE TABLE summary (
    seq BIGINT, site VARCHAR, model VARCHAR, version VARCHAR, spec_hash VARCHAR, segment VARCHAR, section VARCHAR,
    block TIMESTAMP, grain VARCHAR, counts BIGINT[], variance DOUBLE, release VARCHAR
);

-- A row is the change to what one input contributed in one block at one site: rows, and the sum of |contribution| in
-- quanta of 2^-40 (store/attribution.py).
CREATE TABLE attribution (
    seq BIGINT, site VARCHAR, model VARCHAR, version VARCHAR, block TIMESTAMP, grain VARCHAR, input VARCHAR, n BIGINT,
    sum_abs DECIMAL(38, 0)
);

-- A row is the same over one batch of the reference; a delivery that begins at a later `since` replaces it.
CREATE TABLE reference_attribution (
    seq BIGINT, model VARCHAR, version VARCHAR, since BIGINT, input VARCHAR, n BIGINT, sum_abs DECIMAL(38, 0)
);

-- A row is one batch of a reference; the reference is what came from `since` on, so that a new delivery replaces it.
CREATE TABLE reference_batch (seq BIGINT, model VARCHAR, version VARCHAR, since BIGINT);

-- A row is one section of the counts of a model version's reference.
CREATE TABLE reference_summary (
    seq BIGINT, known_at TIMESTAMP, model VARCHAR, version VARCHAR, spec_hash VARCHAR, section VARCHAR,
    counts BIGINT[], rows BIGINT
);

-- A row is one state of one privacy spend: charged before noise is drawn, then released.
CREATE TABLE ledger_entry (
    seq BIGINT, known_at TIMESTAMP, id VARCHAR, people VARCHAR, block_from TIMESTAMP, block_to TIMESTAMP,
    site VARCHAR, model VARCHAR, version VARCHAR, purpose VARCHAR, rho VARCHAR, squared_l2 VARCHAR, scale DOUBLE,
    mechanism VARCHAR, unit VARCHAR, neighbouring VARCHAR, contributions INTEGER, state VARCHAR, output_sha256 VARCHAR
);

-- A row is one measurement; a later row of the same key replaces it in the present.
CREATE TABLE result (
    seq BIGINT, known_at TIMESTAMP, id VARCHAR, basis_seq BIGINT, model VARCHAR, version VARCHAR, site VARCHAR,
    monitor VARCHAR, measure VARCHAR, about VARCHAR, segment VARCHAR, window_from TIMESTAMP, window_to TIMESTAMP,
    value DOUBLE, interval_low DOUBLE, interval_high DOUBLE, n_reference BIGINT, n_current BIGINT, limit_op VARCHAR,
    limit_value DOUBLE, limit_source VARCHAR, status VARCHAR, significant BOOLEAN, severity VARCHAR, method VARCHAR,
    noise VARCHAR, details VARCHAR
);

CREATE TABLE alert_version (
    seq BIGINT, known_at TIMESTAMP, id VARCHAR, model VARCHAR, version VARCHAR, site VARCHAR, segment VARCHAR,
    monitor VARCHAR, about VARCHAR, measure VARCHAR, case_id VARCHAR, condition VARCHAR, triage VARCHAR,
    severity VARCHAR, event VARCHAR, document VARCHAR
);

CREATE TABLE request_version (
    seq BIGINT, known_at TIMESTAMP, id VARCHAR, model VARCHAR, version VARCHAR, site VARCHAR, state VARCHAR,
    event VARCHAR, document VARCHAR
);

CREATE TABLE report (
    seq BIGINT, known_at TIMESTAMP, id VARCHAR, pack VARCHAR, model VARCHAR, version VARCHAR, period_from TIMESTAMP,
    period_to TIMESTAMP, as_of BIGINT, format VARCHAR, state VARCHAR, sha256 VARCHAR, evidence_sha256 VARCHAR,
    file VARCHAR, draft VARCHAR, gaps VARCHAR, site VARCHAR
);

-- A row is what a person declared for a control of a pack and a model; the newest of each counts.
CREATE TABLE declaration (
    seq BIGINT, known_at TIMESTAMP, model VARCHAR, pack VARCHAR, control VARCHAR, text VARCHAR,
    not_applicable BOOLEAN, actor VARCHAR
);

-- A row is one step of a draft towards release: submitted, reviewed, approved, or flagged with a reason.
CREATE TABLE report_step (seq BIGINT, known_at TIMESTAMP, id VARCHAR, step VARCHAR, actor VARCHAR, reason VARCHAR);

-- A row is one visit of a pull: what it found there and took, what went wrong, and when it looks again.
CREATE TABLE pull_run (
    seq BIGINT, known_at TIMESTAMP, pull VARCHAR, site VARCHAR, place VARCHAR, started_at TIMESTAMP,
    next_at TIMESTAMP, found BIGINT, taken BIGINT, refused BIGINT, waiting BIGINT, failures INTEGER, error VARCHAR,
    advice VARCHAR
);

-- A row is one file as a pull took it, or was refused it; one whose size or etag is another is offered again.
CREATE TABLE pull_file (
    seq BIGINT, known_at TIMESTAMP, pull VARCHAR, file VARCHAR, size BIGINT, etag VARCHAR, modified TIMESTAMP,
    batch VARCHAR, refused VARCHAR
);

-- A row is one checkpoint: the root of the first `size` leaves in a note that the hub's key signed. The event that it is
-- recorded under comes after those leaves. peaks: the complete subtrees, from which the next checkpoint continues.
CREATE TABLE checkpoint (
    seq BIGINT, known_at TIMESTAMP, size BIGINT, root VARCHAR, peaks VARCHAR[], note VARCHAR, why VARCHAR
);

-- A row is one time that a root of the trail left the hub: with a report, an export, by hand.
CREATE TABLE anchor (seq BIGINT, known_at TIMESTAMP, size BIGINT, root VARCHAR, kind VARCHAR, about VARCHAR);

-- A row is one leaf that was in the hub before an older backup was restored over it: place is where it stood in that branch.
CREATE TABLE lost_leaf (seq BIGINT, place BIGINT, leaf VARCHAR, leaf_hash VARCHAR);
