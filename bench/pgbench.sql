-- The tables of a booking as PostgreSQL would hold them, and their content before the measurement.
CREATE EXTENSION btree_gist;
CREATE TABLE booking (
    id uuid PRIMARY KEY, code text NOT NULL, resource uuid NOT NULL, service uuid NOT NULL, user_id uuid NOT NULL,
    starts timestamptz NOT NULL, ends timestamptz NOT NULL, status text NOT NULL, wall text NOT NULL, zone text NOT NULL,
    created timestamptz NOT NULL, note text);
CREATE INDEX booking_by_user ON booking (user_id, starts);
CREATE TABLE claim (
    resource uuid NOT NULL, seat int NOT NULL, starts timestamptz NOT NULL, ends timestamptz NOT NULL, booking uuid NOT NULL,
    CHECK (starts < ends),
    CONSTRAINT claim_no_overlap EXCLUDE USING gist (resource WITH =, seat WITH =, tstzrange(starts, ends) WITH &&));
CREATE INDEX claim_by_booking ON claim (booking);
CREATE TABLE request (
    user_id uuid NOT NULL, request text NOT NULL, fingerprint bytea NOT NULL, outcome text NOT NULL, at timestamptz NOT NULL,
    PRIMARY KEY (user_id, request));
CREATE TABLE audit (
    writer uuid NOT NULL, seq bigint NOT NULL, at timestamptz NOT NULL, user_id uuid NOT NULL, action text NOT NULL,
    outcome text NOT NULL, booking uuid, starts timestamptz, salt bytea NOT NULL, hash bytea NOT NULL,
    PRIMARY KEY (writer, seq));
CREATE INDEX audit_by_user ON audit (user_id, at);
CREATE SEQUENCE seq CACHE 1000;

CREATE FUNCTION id(kind int, number bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS
$$ SELECT (lpad(kind::text, 16, '0') || (1000000000000000 + number))::uuid $$;

-- Resources take turns: all get their first hour, then all their second.
INSERT INTO booking SELECT id(3, n), (1000000000000000 + n)::text, id(1, n % :resources), id(0, 1), id(4, n % 1000),
    starts, starts + interval '1 hour', 'booked', '2027-01-01T08:00', 'America/Sao_Paulo', now(), NULL
    FROM generate_series(0, :bookings - 1) n, LATERAL (SELECT
        to_timestamp(:first + n / :resources / 12 * 86400 + n / :resources % 12 * 3600) AS starts) hour;
INSERT INTO claim SELECT resource, 1, starts, ends, id FROM booking;
INSERT INTO request SELECT user_id, id::text, sha256(id::text::bytea), 'ok', now() FROM booking;
INSERT INTO audit SELECT id(5, 0), nextval('seq'), now(), user_id, 'booking.create', 'ok', id, starts,
    substr(sha256(id::text::bytea), 1, 16), sha256(id::text::bytea) FROM booking;
VACUUM ANALYZE;
CHECKPOINT;
