-- What stood at a given seq: the newest version of each thing, as table macros of the seq.
-- Asked by every read, with the reader's as-of; replaced each time the hub is opened.
CREATE OR REPLACE MACRO site_at(s) AS TABLE
    SELECT * FROM site_version WHERE seq <= s QUALIFY row_number() OVER (PARTITION BY site ORDER BY seq DESC) = 1;
CREATE OR REPLACE MACRO token_at(s) AS TABLE
    SELECT * FROM token_version WHERE seq <= s QUALIFY row_number() OVER (PARTITION BY token ORDER BY seq DESC) = 1;
CREATE OR REPLACE MACRO user_at(s) AS TABLE
    SELECT * FROM user_version WHERE seq <= s QUALIFY row_number() OVER (PARTITION BY name ORDER BY seq DESC) = 1;
CREATE OR REPLACE MACRO model_at(s) AS TABLE
    SELECT * FROM model_version WHERE seq <= s
    QUALIFY row_number() OVER (PARTITION BY model, version ORDER BY seq DESC) = 1;
CREATE OR REPLACE MACRO bin_spec_at(s) AS TABLE
    SELECT * FROM bin_spec WHERE seq <= s
    QUALIFY row_number() OVER (PARTITION BY model, version ORDER BY seq DESC) = 1;
CREATE OR REPLACE MACRO reference_at(s) AS TABLE
    SELECT * FROM reference_summary WHERE seq <= s
    QUALIFY dense_rank() OVER (PARTITION BY model, version ORDER BY seq DESC) = 1;
CREATE OR REPLACE MACRO result_at(s) AS TABLE
    SELECT * FROM result WHERE seq <= s
    QUALIFY row_number() OVER (
        PARTITION BY model, version, site, segment, monitor, about, measure, window_to ORDER BY seq DESC) = 1;
CREATE OR REPLACE MACRO alert_at(s) AS TABLE
    SELECT * FROM alert_version WHERE seq <= s QUALIFY row_number() OVER (PARTITION BY id ORDER BY seq DESC) = 1;
CREATE OR REPLACE MACRO request_at(s) AS TABLE
    SELECT * FROM request_version WHERE seq <= s QUALIFY row_number() OVER (PARTITION BY id ORDER BY seq DESC) = 1;
CREATE OR REPLACE MACRO aside_at(s) AS TABLE
    SELECT * FROM aside_version WHERE seq <= s QUALIFY row_number() OVER (PARTITION BY id ORDER BY seq DESC) = 1;
CREATE OR REPLACE MACRO ledger_at(s) AS TABLE
    SELECT * FROM ledger_entry WHERE seq <= s QUALIFY row_number() OVER (PARTITION BY id ORDER BY seq DESC) = 1;
