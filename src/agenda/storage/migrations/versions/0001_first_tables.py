"""The tables as of the first release, with the rules on claims."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.LargeBinary().with_variant(sa.UUID(), "postgresql")
INSTANT = sa.Integer().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
COUNT = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def on_postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def upgrade() -> None:
    account()
    audit()
    booking()
    business()
    claim()
    erasure()
    meta()
    request()
    writer()
    resource()
    service()
    session()
    exception()
    opening()
    service_resource()
    if on_postgresql():
        rules_of_postgresql()
    else:
        rules_of_sqlite()


def account() -> None:
    op.create_table(
        "account",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="account_key"),
        sa.UniqueConstraint("name", name="account_name"),
        sqlite_with_rowid=False,
    )


def audit() -> None:
    op.create_table(
        "audit",
        sa.Column("writer", COUNT, nullable=False),
        sa.Column("seq", COUNT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("user", ID),
        sa.Column("action", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("booking", ID),
        sa.Column("resource", ID),
        sa.Column("starts", INSTANT),
        sa.Column("ends", INSTANT),
        sa.Column("detail", sa.Text()),
        sa.Column("salt", sa.LargeBinary()),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "seq", name="audit_key"),
        sqlite_with_rowid=False,
    )
    if on_postgresql():
        op.create_index("audit_user_at", "audit", ["user", "at"])
    else:
        op.create_index("audit_user_writer_seq", "audit", ["user", "writer", "seq"])


def booking() -> None:
    op.create_table(
        "booking",
        sa.Column("number", COUNT, nullable=False, autoincrement=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("resource", ID, nullable=False),
        sa.Column("service", ID, nullable=False),
        sa.Column("user", ID, nullable=False),
        sa.Column("starts", INSTANT, nullable=False),
        sa.Column("ends", INSTANT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created", INSTANT, nullable=False),
        sa.Column("wall", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.CheckConstraint("starts < ends", name=op.f("booking_span")),
        sa.PrimaryKeyConstraint("number", name="booking_key"),
        sa.UniqueConstraint("id", name="booking_id"),
    )
    op.create_index("booking_user_starts", "booking", ["user", "starts"])


def business() -> None:
    op.create_table(
        "business",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("lead", sa.Integer(), nullable=False),
        sa.Column("horizon", sa.Integer(), nullable=False),
        sa.Column("deadline", sa.Integer(), nullable=False),
        sa.Column("open_bookings", sa.Integer()),
        sa.Column("config_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="business_key"),
        sqlite_with_rowid=False,
    )


def claim() -> None:
    op.create_table(
        "claim",
        sa.Column("resource", ID, nullable=False),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("starts", INSTANT, nullable=False),
        sa.Column("ends", INSTANT, nullable=False),
        sa.Column("booking", ID, nullable=False),
        sa.CheckConstraint("starts < ends", name=op.f("claim_span")),
        *([] if on_postgresql() else [sa.PrimaryKeyConstraint("resource", "seat", "starts", name="claim_key")]),
        sqlite_with_rowid=False,
    )


def erasure() -> None:
    op.create_table(
        "erasure",
        sa.Column("user", ID, nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("user", name="erasure_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("erasure_request", "erasure", ["request"])


def meta() -> None:
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="meta_key"),
        sqlite_with_rowid=False,
    )


def request() -> None:
    op.create_table(
        "request",
        sa.Column("user", ID, nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("booking", COUNT),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("request", "user", name="request_key"),
        sqlite_with_rowid=False,
    )


def writer() -> None:
    op.create_table(
        "writer",
        sa.Column("writer", COUNT, nullable=False, autoincrement=False),
        sa.Column("seq", COUNT, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("numbers", COUNT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("writer", name="writer_key"),
    )


def resource() -> None:
    op.create_table(
        "resource",
        sa.Column("id", ID, nullable=False),
        sa.Column("business", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.CheckConstraint("seats >= 1", name=op.f("resource_has_seats")),
        sa.ForeignKeyConstraint(["business"], ["business.id"], name="resource_business_exists"),
        sa.PrimaryKeyConstraint("id", name="resource_key"),
        sqlite_with_rowid=False,
    )


def service() -> None:
    op.create_table(
        "service",
        sa.Column("id", ID, nullable=False),
        sa.Column("business", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("before", sa.Integer(), nullable=False),
        sa.Column("after", sa.Integer(), nullable=False),
        sa.Column("price", sa.Integer()),
        sa.ForeignKeyConstraint(["business"], ["business.id"], name="service_business_exists"),
        sa.PrimaryKeyConstraint("id", name="service_key"),
        sqlite_with_rowid=False,
    )


def session() -> None:
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user", ID, nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["user"], ["account.id"], name="session_user_exists"),
        sa.PrimaryKeyConstraint("token_hash", name="session_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("session_user", "session", ["user"])


def exception() -> None:
    op.create_table(
        "exception",
        sa.Column("resource", ID, nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("closes", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "0 <= opens AND opens < closes AND closes <= 1440 OR opens = 0 AND closes = 0", name=op.f("exception_hours")
        ),
        sa.ForeignKeyConstraint(["resource"], ["resource.id"], name="exception_resource_exists"),
        sa.PrimaryKeyConstraint("resource", "day", "opens", name="exception_key"),
        sqlite_with_rowid=False,
    )


def opening() -> None:
    op.create_table(
        "opening",
        sa.Column("resource", ID, nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("closes", sa.Integer(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("opening_weekday")),
        sa.CheckConstraint("0 <= opens AND opens < closes AND closes <= 1440", name=op.f("opening_hours")),
        sa.ForeignKeyConstraint(["resource"], ["resource.id"], name="opening_resource_exists"),
        sa.PrimaryKeyConstraint("resource", "weekday", "opens", name="opening_key"),
        sqlite_with_rowid=False,
    )


def service_resource() -> None:
    op.create_table(
        "service_resource",
        sa.Column("service", ID, nullable=False),
        sa.Column("resource", ID, nullable=False),
        sa.ForeignKeyConstraint(["service"], ["service.id"], name="service_resource_service_exists"),
        sa.ForeignKeyConstraint(["resource"], ["resource.id"], name="service_resource_resource_exists"),
        sa.PrimaryKeyConstraint("service", "resource", name="service_resource_key"),
        sqlite_with_rowid=False,
    )


def rules_of_sqlite() -> None:
    op.execute("""CREATE TRIGGER claim_no_overlap BEFORE INSERT ON claim
WHEN (SELECT ends FROM claim WHERE resource = NEW.resource AND seat = NEW.seat AND starts < NEW.ends
      ORDER BY starts DESC LIMIT 1) > NEW.starts
BEGIN SELECT RAISE(FAIL, 'claim_no_overlap'); END""")
    op.execute("""CREATE TRIGGER claim_no_update BEFORE UPDATE ON claim
BEGIN SELECT RAISE(FAIL, 'claim_no_update'); END""")


def rules_of_postgresql() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_index("claim_key", "claim", ["resource", "seat", "starts"])
    op.execute("""ALTER TABLE claim ADD CONSTRAINT claim_no_overlap
EXCLUDE USING gist (resource WITH =, seat WITH =, tstzrange(starts, ends) WITH &&)""")
    op.execute("""CREATE FUNCTION claim_no_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'claim_no_update'; END $$""")
    op.execute("CREATE TRIGGER claim_no_update BEFORE UPDATE ON claim FOR EACH ROW EXECUTE FUNCTION claim_no_update()")
    op.execute("""CREATE FUNCTION all_or_nothing(changed int8, wanted int8, rule text) RETURNS void
LANGUAGE plpgsql AS $$ BEGIN IF changed <> wanted THEN RAISE EXCEPTION '%: % of % rows', rule, changed, wanted
USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = rule; END IF; END $$""")
    op.execute("CREATE SEQUENCE writer_number")
    op.execute("CREATE SEQUENCE booking_block")
    op.execute("ALTER TABLE writer SET (fillfactor = 20)")
