"""What /healthz, /readyz and /metrics say of a server on a real engine."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agenda.doors.monitor.monitor import Monitor, MonitorPortInUse
from agenda.doors.rpc.server import RpcServer
from agenda.engine.meter import Meter
from agenda.engine.ports import StoreUnavailable
from tests.engine.asking import TOMORROW_TEN, House

from .fakes import DEADLINE, Peer
from .probing import Answer, get


class Node:
    """A server on a data folder, and its monitor, which watches once it is told to."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.engine = self.house.engine
        self.door = RpcServer(self.engine, "127.0.0.1", 0)
        self.door.start()
        self.monitor = Monitor(("127.0.0.1", 0))
        self.monitor.start()

    def close(self) -> None:
        self.monitor.stop()
        self.door.stop()
        self.house.close()

    def ask(self, path: str) -> tuple[int, str]:
        return get(self.monitor.addresses[0], path).told

    def metrics(self) -> Answer:
        return get(self.monitor.addresses[0], "/metrics")

    def value(self, name: str, **labels: str) -> float | None:
        """The sample of this name with these labels among others; None if there is none."""
        families = text_string_to_metric_families(self.metrics().body.decode())
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        found = [sample.value for sample in samples if labels.items() <= sample.labels.items()]
        assert len(found) <= 1, "labels that say which one is meant"
        return found[0] if found else None


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path / "data")
    yield node
    node.close()


@pytest.fixture
def node(starting: Node) -> Node:
    starting.monitor.watch(starting.door)
    return starting


def wait_until(holds: Callable[[], bool]) -> None:
    end = monotonic() + DEADLINE
    while not holds():
        assert monotonic() < end, "it never came to that"
        sleep(0.01)


# Probes


def test_before_the_server_is_at_work_it_is_well_and_not_ready(starting: Node) -> None:
    assert (starting.ask("/healthz"), starting.ask("/readyz")) == ((200, "ok"), (503, "starting"))


def test_a_server_at_work_is_well_and_ready(node: Node) -> None:
    assert (node.ask("/healthz"), node.ask("/readyz")) == ((200, "ok"), (200, "ok"))


def test_a_server_that_drains_is_well_and_not_ready(node: Node) -> None:
    node.monitor.drain()
    assert (node.ask("/healthz"), node.ask("/readyz")) == ((200, "ok"), (503, "draining"))


def test_a_server_without_its_store_is_well_and_not_ready(node: Node) -> None:
    node.engine.health.trouble(StoreUnavailable("locked"))
    wait_until(lambda: node.ask("/readyz") == (503, "store_away"))
    assert node.ask("/healthz") == (200, "ok")


def test_a_server_whose_store_is_back_is_ready_again(node: Node) -> None:
    node.engine.health.trouble(StoreUnavailable("locked"))
    wait_until(lambda: node.ask("/readyz") == (503, "store_away"))
    node.engine.health.ok()
    assert node.ask("/readyz") == (200, "ok")


def test_a_server_without_its_committer_is_neither(node: Node) -> None:
    node.engine.stop()
    assert (node.ask("/healthz"), node.ask("/readyz")) == ((503, "committer"), (503, "committer"))


def test_a_server_whose_io_thread_is_stuck_is_neither(node: Node) -> None:
    go_on = Event()
    node.door.loop.call_soon_threadsafe(go_on.wait, DEADLINE)
    told = node.ask("/healthz"), node.ask("/readyz")
    go_on.set()
    assert told == ((503, "io"), (503, "io"))


def test_a_port_that_is_taken_is_said_to_be(node: Node) -> None:
    with pytest.raises(MonitorPortInUse):
        Monitor(node.monitor.addresses[0]).start()


# Metrics


def test_before_the_server_is_at_work_metrics_say_which_program_it_is(starting: Node) -> None:
    assert (starting.value("agenda_build_info"), starting.value("agenda_connections")) == (1, None)


def test_every_family_has_a_type_and_a_text_for_people(node: Node) -> None:
    families = [*text_string_to_metric_families(node.metrics().body.decode())]
    ours = [family for family in families if family.name.startswith("agenda_")]
    assert len(ours) > 15
    assert [family.name for family in families if family.type == "unknown" or not family.documentation] == []


def test_metrics_come_in_the_text_format_that_everybody_reads(node: Node) -> None:
    assert node.metrics().headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_a_booking_and_its_refusal_are_counted_apart(node: Node) -> None:
    ana = node.house.sign_in("Ana")
    node.house.submit(node.house.wish(ana), node.house.wish(ana), node.house.wish(ana))
    assert node.value("agenda_commands_total", action="booking.create", outcome="ok") == 1
    assert node.value("agenda_commands_total", action="booking.create", outcome="slot_taken") == 2


def test_a_slot_that_is_not_offered_is_counted_by_the_reason(node: Node) -> None:
    ana = node.house.sign_in("Ana")
    node.house.submit(node.house.wish(ana, start=TOMORROW_TEN - timedelta(days=1000)))
    assert node.value("agenda_commands_total", outcome="slot_not_offered", reason="past") == 1


def test_a_wrong_password_is_counted_as_a_refusal(node: Node) -> None:
    node.house.sign_in("Ana")
    node.house.open("Ana", "another", create=False)
    assert node.value("agenda_commands_total", action="session.open", outcome="bad_credentials") == 1


def test_what_the_store_cannot_take_is_counted_as_unavailable(node: Node) -> None:
    ana = node.house.sign_in("Ana")
    node.house.store.close()
    node.house.submit(node.house.wish(ana))
    assert node.value("agenda_commands_total", action="booking.create", outcome="unavailable") == 1


def test_a_batch_is_measured_by_its_size_and_times(node: Node) -> None:
    ana = node.house.sign_in("Ana")  # a batch of one
    node.house.submit(node.house.wish(ana))
    assert node.value("agenda_batch_commands_sum") == 2
    for phase in ("load", "decide", "save", "commit", "answer"):
        assert node.value(f"agenda_batch_{phase}_seconds_count") == 2
        assert 0 < (node.value(f"agenda_batch_{phase}_seconds_sum") or 0) < DEADLINE


def test_the_scale_of_a_histogram_adds_up(node: Node) -> None:
    node.house.sign_in("Ana")
    assert node.value("agenda_batch_commands_bucket", le="1.0") == 1
    assert node.value("agenda_batch_commands_bucket", le="+Inf") == 1


def test_the_second_look_at_a_day_finds_it_on_the_board(node: Node) -> None:
    ana = node.house.sign_in("Ana")
    for _ in range(3):
        node.house.ask(node.engine.list_slots, ana, TOMORROW_TEN.date(), None, None)
    assert (node.value("agenda_board_misses_total"), node.value("agenda_board_hits_total")) == (1, 2)
    assert (node.value("agenda_board_days") or 0) > 0


def test_connections_and_watches_are_those_of_now(node: Node) -> None:
    peer = Peer(node.door.addresses[0])
    peer.call("session.open", user="Ana", password="p", create=True)
    peer.call("slot.watch", day=TOMORROW_TEN.date().isoformat())
    there = [node.value("agenda_connections"), node.value("agenda_watches")]
    peer.close()
    wait_until(lambda: node.value("agenda_connections") == 0)
    gone = [node.value("agenda_connections"), node.value("agenda_watches")]
    assert (there, gone) == ([1, 1], [0, 0])


def test_what_waits_is_told_by_queue(node: Node) -> None:
    begun, go_on = Event(), Event()

    def chore() -> None:
        begun.set()
        go_on.wait(DEADLINE)

    node.engine._committer.call(chore)
    assert begun.wait(DEADLINE)
    node.engine._committer.call(chore)
    waiting = node.value("agenda_queue_length", queue="committer")
    go_on.set()
    assert waiting == 1


def test_a_store_that_is_away_is_a_nought(node: Node) -> None:
    node.engine.health.trouble(StoreUnavailable("locked"))
    wait_until(lambda: node.value("agenda_store_available") == 0)
    node.engine.health.ok()
    assert node.value("agenda_store_available") == 1


def test_a_lone_node_tells_no_lag_of_others(node: Node) -> None:
    assert node.value("agenda_feed_lag_seconds") is None


def test_how_far_the_feed_is_behind_is_told(node: Node) -> None:
    node.engine.meter.feed_heard, node.engine.meter.feed_entries = monotonic() - 100, 7
    assert 100 <= (node.value("agenda_feed_lag_seconds") or 0) < 100 + DEADLINE
    assert node.value("agenda_feed_lag_entries") == 7


def test_nothing_that_is_counted_is_left_untold(node: Node) -> None:
    meter, counters = node.engine.meter, [each.name for each in fields(Meter) if each.type is int]
    for number, name in enumerate(counters):
        setattr(meter, name, 1000 + number)
    meter.feed_heard = monotonic()
    told = {line.rpartition(" ")[2] for line in node.metrics().body.decode().splitlines()}
    assert [name for name in counters if str(float(getattr(meter, name))) not in told] == []
