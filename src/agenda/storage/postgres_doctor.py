"""Examines an agenda on PostgreSQL, reading only, also while nodes work on it; each statement sees one moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agenda.storage.compiled import indexes
from agenda.storage.diagnosis import COMMON, Check, Finding, Patient, checked, silent, zone_data, zones
from agenda.storage.errors import StoreSlow
from agenda.storage.looking import LOOKING_SECONDS
from agenda.storage.postgres_database import CLAIM_KEY
from agenda.storage.postgres_transaction import BLOCK
from agenda.storage.schema import ALL_OR_NOTHING, CLAIM_NO_OVERLAP, CLAIM_NO_UPDATE, METADATA, to_instant, to_seconds
from agenda.storage.transaction import utc_now
from agenda.storage.verify import Steps

OLDEST: Final = 15
CLOCK_SECONDS: Final = 2.0
IDLE_SECONDS: Final = 60
ZONE_DAYS: Final = 3 * 366
# What one node has open when all its threads ask at once, and what its batch may lock: two claims' resources each.
NODE_CONNECTIONS: Final = 10
LOCKS: Final = 4_000

_SEQUENCES: Final = ("booking_block", "writer_number")
_RELATIONS: Final = """\
SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'S')"""
# Rules and indexes that hold: a trigger that was switched off and an index that was not finished do not.
_OVERLAP: Final = "EXCLUDE USING gist (resource WITH =, seat WITH =, tstzrange(starts, ends) WITH &&)"
_RULES: Final = f"""\
SELECT c.conname::text FROM pg_constraint c WHERE c.connamespace = current_schema()::regnamespace AND c.convalidated
AND (c.conname <> '{CLAIM_NO_OVERLAP}' OR pg_get_constraintdef(c.oid) = '{_OVERLAP}')
AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = c.conindid AND NOT (i.indisvalid AND i.indisready))
UNION ALL SELECT t.tgname::text
FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE r.relnamespace = current_schema()::regnamespace AND r.relname = 'claim' AND t.tgenabled IN ('O', 'A')
AND t.tgtype = 19 AND p.prosrc LIKE '%RAISE EXCEPTION%{CLAIM_NO_UPDATE}%'
UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
AND proname = '{ALL_OR_NOTHING}' AND prosrc LIKE '%IF changed <> wanted THEN RAISE EXCEPTION%CONSTRAINT = rule%'"""  # noqa: S608  # our own names
_INDEXES: Final = """\
SELECT r.relname::text FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid
WHERE r.relnamespace = current_schema()::regnamespace AND i.indisvalid AND i.indisready"""
_USED: Final = f"""\
SELECT (SELECT max(number) FROM booking) / {BLOCK}, (SELECT max(writer) FROM writer),
(SELECT last_value + is_called::int FROM booking_block), (SELECT last_value + is_called::int FROM writer_number)"""  # noqa: S608  # our own names
_SETTINGS: Final = (
    *("server_version_num", "fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names"),
    *("max_connections", "superuser_reserved_connections", "max_locks_per_transaction", "max_prepared_transactions"),
)
_SERVER: Final = f"""\
SELECT {", ".join(f"current_setting('{name}')" for name in _SETTINGS)}, (SELECT count(*) FROM pg_stat_replication),
(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"""  # noqa: S608  # our own names
_IDLE: Final = """\
SELECT pid::int8, coalesce(application_name, ''), date_part('epoch', clock_timestamp() - state_change)::int8
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
AND state LIKE 'idle in transaction%' AND state_change <= clock_timestamp() - make_interval(secs => $1)
ORDER BY 3 DESC"""
_OFFSETS: Final = """\
SELECT at, date_part('epoch', to_timestamp(at) AT TIME ZONE $1)::int8 - at
FROM generate_series($2::int8, $3::int8, 86400) AS at"""
_KNOWN_ZONE: Final = "SELECT count(*) FROM pg_timezone_names WHERE name = $1"


def examine_postgres(patient: Patient, steps: Steps = silent) -> Iterator[Finding]:
    """All findings, the most basic first. Raises StoreUnavailable if the database cannot be reached."""
    yield from zone_data(patient.now)
    try:
        yield from diagnose(patient, steps)
    except StoreSlow:
        yield Finding("examination_too_long", facts={"seconds": LOOKING_SECONDS})


def diagnose(patient: Patient, steps: Steps = silent) -> Iterator[Finding]:
    """All findings in a database that holds an agenda. Raises StoreUnavailable."""
    relations = {name for (name,) in patient.connection.rows(_RELATIONS)}
    if missing := sorted({*METADATA.tables.keys(), *_SEQUENCES} - relations):
        yield Finding("table_missing", facts={"path": patient.place, "tables": ", ".join(missing)})
        return
    yield from checked(patient, (*OWN, *AROUND, *COMMON), steps)


def _rules(patient: Patient) -> Iterator[Finding]:
    """The database's own last word against overlaps and doubles, and the rest of the schema's rules."""
    holding = {name for (name,) in patient.connection.rows(_RULES)}
    for name in sorted(_rule_names() - holding):
        yield Finding("rule_missing", facts={"name": name})
    usable = {name for (name,) in patient.connection.rows(_INDEXES)}
    for name in sorted(_index_names() - usable):
        yield Finding("index_missing", urgent=False, facts={"name": name})


def _rule_names() -> set[str]:
    of_tables = {
        str(constraint.name)
        for table in METADATA.tables.values()
        for constraint in table.constraints
        if constraint is not METADATA.tables["claim"].primary_key
    }
    return {*of_tables, CLAIM_NO_OVERLAP, CLAIM_NO_UPDATE, ALL_OR_NOTHING}


def _index_names() -> set[str]:
    of_tables = {str(i.name) for table in METADATA.tables.values() for i in indexes(table, "postgresql")}
    return {*of_tables, CLAIM_KEY}


def _sequences(patient: Patient) -> Iterator[Finding]:
    """Numbers that will be given out must lie above all that were: else bookings fail until they have caught up."""
    [(*used, block, writer)] = patient.connection.rows(_USED)
    for name, highest, following in zip(_SEQUENCES, used, (block, writer), strict=True):
        if highest is not None and following <= highest:
            yield Finding("sequence_behind", facts={"name": name, "next": following, "highest": highest})


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says of itself: its settings for us, and how many standbys and clients it has."""

    settings: dict[str, str]
    standbys: int
    clients: int

    def number(self, name: str) -> int:
        return int(self.settings[name])


def weaknesses(server: Server) -> Iterator[Finding]:
    """What keeps a server from being what the agenda's promises rest on."""
    version = server.number("server_version_num") // 10_000
    if version < OLDEST:
        yield Finding("server_old", facts={"version": version, "needed": OLDEST})
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if server.settings[name] == "off":
            yield Finding("not_durable", facts={"name": name})
    waits = server.settings["synchronous_standby_names"] and server.settings["synchronous_commit"] != "local"
    if server.standbys and not waits:
        yield Finding("standby_behind", urgent=False, facts={"count": server.standbys})
    connections = server.number("max_connections")
    free = connections - server.number("superuser_reserved_connections") - server.clients
    if free < NODE_CONNECTIONS:
        yield Finding("few_connections", urgent=False, facts={"free": max(free, 0), "needed": NODE_CONNECTIONS})
    locks = server.number("max_locks_per_transaction") * (connections + server.number("max_prepared_transactions"))
    if locks < LOCKS:
        yield Finding("few_locks", urgent=False, facts={"locks": locks, "needed": LOCKS})


def _server(patient: Patient) -> Iterator[Finding]:
    """The server's version and settings."""
    [(*settings, standbys, clients)] = patient.connection.rows(_SERVER)
    yield from weaknesses(Server(dict(zip(_SETTINGS, settings, strict=True)), standbys, clients))


def _idle(patient: Patient) -> Iterator[Finding]:
    """Transactions that were left open keep locks, and keep what was erased from being cleared away."""
    for pid, name, seconds in patient.connection.rows(_IDLE, (IDLE_SECONDS,)):
        facts = {"pid": pid, "name": name or "?", "minutes": seconds // 60}
        yield Finding("transaction_left_open", urgent=False, facts=facts)


def _clocks(patient: Patient) -> Iterator[Finding]:
    """Nodes decide by the database's clock, and tell their clients the time by their own."""
    before = utc_now()
    [(seconds,)] = patient.connection.rows("SELECT date_part('epoch', clock_timestamp())")
    off = clock_difference(before, seconds, utc_now())
    if abs(off) > CLOCK_SECONDS:
        yield Finding("clocks_differ", urgent=False, facts={"seconds": round(off)})


def clock_difference(before: datetime, theirs: float, after: datetime) -> float:
    """How many seconds their clock is ahead of ours, at the least, if it was read between these two moments."""
    if theirs > after.timestamp():
        return theirs - after.timestamp()
    return min(0.0, theirs - before.timestamp())


def _zone_rules(patient: Patient) -> Iterator[Finding]:
    """The database's time zone data are another copy; where the two do not agree, one of them is old."""
    for name in zones(patient.connection):
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            continue  # a finding of its own
        if patient.connection.rows(_KNOWN_ZONE, (name,)) == [(0,)]:
            yield Finding("zone_rules_differ", urgent=False, facts={"zone": name, "day": "?"})
            continue
        for at, offset in patient.connection.rows(_OFFSETS, (name, *_coming_days(patient.now))):
            local = to_instant(at).astimezone(zone)
            if local.utcoffset() != timedelta(seconds=offset):
                yield Finding("zone_rules_differ", urgent=False, facts={"zone": name, "day": local.date().isoformat()})
                break


def _coming_days(now: datetime) -> tuple[int, int]:
    return to_seconds(now), to_seconds(now + timedelta(days=ZONE_DAYS))


# What a copy of the tables must have besides their content, and what surrounds them.
OWN: Final[tuple[Check, ...]] = (_rules, _sequences)
AROUND: Final[tuple[Check, ...]] = (_server, _idle, _clocks, _zone_rules)
