-- The tables of a booking as PostgreSQL would hold them, and their content before the measurement.
CREATE EXTENSION btree_gist;
CREATE TABLE booking (
    number bigint PRIMARY KEY, id uuid NOT NULL UNIQUE, resource uuid NOT NULL, service uuid NOT NULL, "user" uuid NOT NULL,
    starts timestamptz NOT NULL, ends timestamptz NOT NULL, status text NOT NULL, created timestamptz NOT NULL,
    wall text NOT NULL, zone text NOT NULL, seat int NOT NULL, note text);
CREATE INDEX ON booking ("user", starts);
CREATE TABLE claim (
    resource uuid NOT NULL, seat int NOT NULL, starts timestamptz NOT NULL, ends timestamptz NOT NULL, booking uuid NOT NULL,
    CHECK (starts < ends),
    CONSTRAINT claim_no_overlap EXCLUDE USING gist (resource WITH =, seat WITH =, tstzrange(starts, ends) WITH &&));
CREATE TABLE request (
    "user" uuid NOT NULL, request text NOT NULL, fingerprint bytea NOT NULL, outcome text NOT NULL, at timestamptz NOT NULL,
    PRIMARY KEY ("user", request));
CREATE TABLE audit (
    writer int NOT NULL, seq bigint NOT NULL, at timestamptz NOT NULL, "user" uuid, action text, outcome text, booking uuid,
    resource uuid, starts timestamptz, ends timestamptz, detail text, salt bytea, digest bytea NOT NULL, hash bytea NOT NULL,
    PRIMARY KEY (writer, seq));
CREATE INDEX ON audit ("user", writer, seq);
CREATE SEQUENCE seq CACHE 1000;

CREATE FUNCTION id(kind int, number bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS
$$ SELECT (lpad(kind::text, 16, '0') || (1000000000000000 + number))::uuid $$;

-- Resources take turns: all get their first hour, then all their second.
INSERT INTO booking SELECT n, id(3, n), id(1, n % :resources), id(0, 1), id(4, n % 1000), starts, starts + interval '1 hour',
    'booked', now(), '2027-01-01T08:00', 'America/Sao_Paulo', 1, NULL
    FROM generate_series(0, :bookings - 1) n, LATERAL (SELECT
        to_timestamp(:first + n / :resources / 12 * 86400 + n / :resources % 12 * 3600) AS starts) hour;
INSERT INTO claim SELECT resource, 1, starts, ends, id FROM booking;
INSERT INTO request SELECT "user", md5(number::text), sha256(id::text::bytea), number::text, now() FROM booking;
INSERT INTO audit SELECT 0, nextval('seq'), now(), "user", 'booking.create', 'ok', id, resource, starts, ends, NULL,
    substr(sha256(id::text::bytea), 1, 16), sha256(id::text::bytea), sha256(id::text::bytea) FROM booking;
VACUUM ANALYZE;
CHECKPOINT;
