"""Several engines over one store in one thread at a time: whatever a seed makes of their order must come out right."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import count
from queue import Empty
from random import Random
from typing import Any

from agenda.domain.commands import BookSlot, CancelBooking, Command, EraseUser, MoveBooking, Receipt
from agenda.domain.model import BookingId, RequestId, UserId
from agenda.engine.board import Board, Key
from agenda.engine.committer import Committed
from agenda.engine.engine import Engine, Watching
from agenda.engine.following import found
from agenda.engine.passwords import token_digest
from agenda.engine.ports import Reply
from agenda.engine.roll import Session
from agenda.engine.sessions import SessionOpened
from agenda.engine.timetable import SlotState, Timetable
from tests.domain.agendas import CHAIRS, HOUR, LONG, NOON, ROOM, TEN, catalogue
from tests.engine.asking import Incidents
from tests.nodes.one_store import USERS, NodeStore, OneStore
from tests.nodes.stage import Stage

FEW = 4  # live bookings, so that nodes meet on them
DAYS = (date(2026, 11, 23), date(2026, 11, 24))
STARTS = [TEN + timedelta(days=day, hours=hour) for day in (0, 1) for hour in (0, 1, 9)]
PLACES = [(ROOM, HOUR), (CHAIRS, HOUR), (ROOM, LONG)]


class Post:
    """A node's mailbox: what was posted waits until the lot falls on it."""

    def __init__(self) -> None:
        self.waiting: list[Sequence[tuple[Reply, Any]]] = []

    def post(self, deliveries: Sequence[tuple[Reply, Any]]) -> None:
        self.waiting.append(deliveries)

    def deliver(self) -> None:
        for reply, value in self.waiting.pop(0):
            reply(value)


@dataclass(eq=False)
class Watcher:
    """Somebody who watches a day, and the last that he was told of each slot."""

    user: UserId
    timetable: Timetable
    seen: dict[Any, SlotState] = field(default_factory=dict)


class Node:
    """A real engine whose threads are parts of the stage."""

    def __init__(self, name: str, world: "World") -> None:
        self.name, self.world = name, world
        self.log = Incidents()
        self.engine = Engine(NodeStore(world.store, self._committing), self.log, clock=lambda: NOON)
        self.engine.health._patience = 3600.0
        self.engine._committer.ids = self.engine._ids = self.engine._sessions._ids = world.ids
        self.board.__init__(self.board._frame, capacity=4)  # type: ignore[misc]  # so that days come and go
        self.post = Post()
        self.watchers: list[Watcher] = []
        self.sessions: dict[UserId, Session] = {}
        self.told: dict[BookingId, tuple[int, set[Key]]] = {}
        self.found: dict[BookingId, int] = {}
        self._committed = self.engine._aftermath.committed
        self.engine._aftermath.committed = self._after  # type: ignore[method-assign]  # to know when it was told
        self.following._look()

    @property
    def board(self) -> Board:
        return self.engine._board

    def look(self) -> None:
        """As often as the dice say, also while nobody looks at slots."""
        self.following._due = 0.0
        self.following._turn()

    @property
    def following(self) -> Any:
        return self.engine._aftermath.following

    def sign_in(self, user: UserId) -> None:
        token = f"token of {user}"

        def opened(answer: object) -> None:
            if isinstance(answer, SessionOpened):
                self.sessions[user] = answer.session

        self.engine.resume_session(token, mailbox=self.post, reply=opened)

    def submit(self, command: Command) -> None:
        def settled(outcome: object) -> None:
            if isinstance(outcome, Receipt):  # as Sessions.erase does, after the password
                self.engine._roll.end(lambda session: session.user.id == command.user)

        self.engine.submit(command, self.post, settled)

    def watch(self, user: UserId, day: date) -> None:
        def watching(answer: object) -> None:
            if not isinstance(answer, Watching):
                return
            slots = answer.slots
            watcher.timetable = slots.timetable
            watcher.seen |= dict(zip(slots.timetable.times, slots.states, strict=True))
            self.watchers.append(watcher)

        def notify(change: Any) -> None:
            watcher.seen |= {slot.time: slot.state for slot in change.slots}

        watcher = Watcher(user, Timetable(day, (), (), (), ()))
        self.engine.watch_slots(
            Session(USERS[user], "en", b""), day, None, None, mailbox=self.post, reply=watching, notify=notify
        )

    # -- its threads

    def chances(self) -> list[Callable[[], object]]:
        """What can begin now."""
        committer, stage = self.engine._committer, self.world.stage
        chances: list[Callable[[], object]] = []
        if self.post.waiting:
            chances.append(self.post.deliver)
        if not stage.has(f"{self.name} looks"):
            chances.append(partial(stage.begin, f"{self.name} looks", self.look))
        if not stage.has(f"{self.name} commits"):
            if committer.waiting:
                chances.append(partial(stage.begin, f"{self.name} commits", self._commit))
            elif committer._head is None:
                chances.append(partial(stage.begin, f"{self.name} commits", committer._revive))
        if self.engine._readers.waiting:
            names = [f"{self.name} reads {number}" for number in (1, 2)]
            chances += [partial(stage.begin, name, self._read) for name in names if not stage.has(name)]
        return chances

    def _commit(self) -> None:
        committer = self.engine._committer
        committer._round(committer._queue.get_nowait())

    def _read(self) -> None:
        readers = self.engine._readers
        try:
            job = readers._jobs.get_nowait()
        except Empty:
            return
        assert job is not None
        work, mailbox, reply = job
        mailbox.post([(reply, readers._outcome(work))])

    # -- what must hold

    def _committing(self, touched: Collection[BookingId]) -> None:
        for id_ in touched:
            self.world.changes[id_] = self.world.changes.get(id_, 0) + 1
            for node in self.world.nodes:
                node.told.pop(id_, None)
                node.found.pop(id_, None)
        self._touched = {id_: self.world.changes[id_] for id_ in touched}

    def _after(self, done: Committed) -> Any:
        """The board has been corrected: from now on it must show what this node did, until somebody does more."""
        extra = self._committed(done)
        now = self.world.store.data
        for claim in (*done.changes.released.values(), *done.changes.claimed.values()):
            if self.world.changes[claim.booking] == self._touched[claim.booking]:
                _, keys = self.told.get(claim.booking, (0, set()))
                self.told[claim.booking] = self._touched[claim.booking], keys | self.board.keys([claim])
        self.found |= {b.id: self.world.changes.get(b.id, 0) for b in found(done) if now.bookings.get(b.id) == b}
        return extra

    def check_own(self) -> None:
        """What was answered here shows here, whatever the feed does meanwhile."""
        data, changes = self.world.store.data, self.world.changes
        for key, day in list(self.board._days.items()):
            self.board.look([key])
            if day.held is None:
                continue
            truth = {it.booking: it for it in data.occupied(key[0], day.window)}
            for id_, (change, keys) in self.told.items():
                if changes[id_] == change and key in keys:
                    assert day.held.get(id_) == truth.get(id_), f"{self.name} shows {id_} as it was before"
            for id_, change in self.found.items():
                if changes[id_] == change and id_ in truth:
                    assert day.held.get(id_) == truth[id_], f"{self.name} does not show {id_}"

    def check_all(self) -> None:
        """Everything shows as it is."""
        data = self.world.store.data
        for (resource, day), it in list(self.board._days.items()):
            self.board.look([(resource, day)])
            truth = {each.booking: each for each in data.occupied(resource, it.window)}
            assert it.held == truth, f"{self.name} has {day} wrong: {it.held} but {truth}"
        for watcher in self.watchers:
            picture = self.world.picture(watcher.timetable, watcher.user)
            wrong = {time: (state, picture[time]) for time, state in watcher.seen.items() if picture[time] is not state}
            assert not wrong, f"a watcher at {self.name} saw last what is not so: {wrong}"
        for user, session in self.sessions.items():
            held = session.token_hash in data.sessions
            assert session.ended or held, f"{self.name} still lets {user} in"
        assert not self.log.seen, self.log.seen


class World:
    """The nodes, their store, and people who book."""

    def __init__(self, seed: int, nodes: int = 2, *, trouble: float = 0.0, failovers: bool = False) -> None:
        self.lots = Random(seed)
        self.stage = Stage(self.lots)
        self.store = OneStore(self.stage.pause, self.lots)
        self.ids = (f"{number:032x}" for number in count(1))
        self.changes: dict[BookingId, int] = {}
        self.nodes: list[Node] = []
        self.nodes += [Node(f"node {number}", self) for number in range(nodes)]
        self.sent: list[Command] = []
        self._trouble, self._failovers = trouble, failovers
        self._requests = 0
        self._open_sessions()

    def _open_sessions(self) -> None:
        data = self.store.data.copy()
        data.sessions = {token_digest(f"token of {user}"): user for user in USERS}
        self.store.begin_with(data)
        for node in self.nodes:
            for user in USERS:
                node.sign_in(user)
        self.settle()

    def live(self, rounds: int) -> None:
        """Let so many things happen, in an order drawn by lot."""
        self.store.trouble = self._trouble
        for _ in range(rounds):
            chances = [chance for node in self.nodes for chance in node.chances()]
            if self.lots.random() < 0.6 and self.stage.step():
                pass
            elif self.lots.random() < 0.5 or not chances:
                self._wish()
            else:
                self.lots.choice(chances)()
            for node in self.nodes:
                node.check_own()

    def settle(self) -> None:
        """Nobody wants anything more, and nothing fails: everything comes to its end, and each node looks twice."""
        self.store.trouble = 0.0
        for looks in range(3):
            for node in self.nodes:
                if looks and not self.stage.has(f"{node.name} looks"):
                    self.stage.begin(f"{node.name} looks", node.look)
            while self.stage.step() or any(self._begin_one(node) for node in self.nodes):
                pass

    def _begin_one(self, node: Node) -> bool:
        """Anything but a look, which could go on for ever."""
        looks = f"{node.name} looks"
        for chance in node.chances():
            if not (isinstance(chance, partial) and chance.args[:1] == (looks,)):
                chance()
                return True
        return False

    def picture(self, timetable: Timetable, user: UserId) -> dict[Any, SlotState]:
        """What somebody sees who looks for the first time."""
        frame = self.nodes[0].board._frame
        board = Board(frame)
        for resource, day in timetable.keys:
            board.fill(catalogue().resources[resource], day, self.store.data.occupied)
        views = [view for view in board.look(timetable.keys)[1] if view is not None]
        return dict(zip(timetable.times, timetable.states(views, user), strict=True))

    # -- wishes

    def _wish(self) -> None:
        node, user = self.lots.choice(self.nodes), self.lots.choice([*self.store.data.users])
        wish = self.lots.choices(
            ["book", "move", "cancel", "again", "watch", "close", "erase", "offer", "fail over"],
            [30, 60, 8, 12, 8, 2, 1, 1, 2 if self._failovers else 0],
        )[0]
        if wish == "watch":
            node.watch(user, self.lots.choice(DAYS))
        elif wish == "close":
            if session := node.sessions.get(user):
                node.engine.close_session(session, mailbox=node.post, reply=lambda _: None)
                node.sign_in(user)  # with the same token, at the same time
        elif wish == "offer":
            data = self.store.data.copy()
            data.version += 1
            if not self.store.locked:
                self.store.replace(data)
        elif wish == "fail over":
            self._fail_over()
        elif command := self._command(wish, user):
            self.sent.append(command)
            node.submit(command)

    def _command(self, wish: str, user: UserId) -> Command | None:
        if wish == "again":
            return self.lots.choice(self.sent) if self.sent else None
        self._requests += 1
        facts = (user, RequestId(f"r{self._requests}"), b"")
        if wish == "erase":
            return EraseUser(*facts) if len(self.store.data.users) > 2 else None
        resource, service = self.lots.choice(PLACES)
        start = self.lots.choice(STARTS)
        live = [booking for booking in self.store.data.bookings.values() if booking.status.live]
        if wish == "book":
            return BookSlot(*facts, start, service, resource) if len(live) < FEW else None
        if not live:
            return None
        booking = self.lots.choice(live)
        facts = (booking.user, *facts[1:])
        return (
            CancelBooking(*facts, booking.id) if wish == "cancel" else MoveBooking(*facts, booking.id, start, resource)
        )

    def _fail_over(self) -> None:
        self.store.fail_over()
        self.changes = {id_: change + 1 for id_, change in self.changes.items()}
        for node in self.nodes:
            node.told.clear()
            node.found.clear()


def run(seed: int, rounds: int = 600, **settings: Any) -> World:
    """A world that has lived and come to rest, and in which every promise held."""
    world = World(seed, **settings)
    world.live(rounds)
    world.settle()
    for node in world.nodes:
        node.check_all()
        node.following._feed.close()
    return world
