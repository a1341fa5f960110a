"""Following other nodes: what they commit corrects the board, ends sessions, and reaches the watchers of this one."""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from threading import Event, Lock, Thread
from time import monotonic
from typing import Protocol

from agenda.domain.audit import Head
from agenda.domain.model import Booking, BookingId, Claim, UserId
from agenda.engine.backoff import backoff
from agenda.engine.board import Board
from agenda.engine.committer import Committed
from agenda.engine.health import FEED, Health
from agenda.engine.meter import Meter
from agenda.engine.ports import Booked, Feed, Log, News, Place, StoreUnavailable

LOOK_SECONDS = 0.3  # between two looks when nobody calls
PACE_SECONDS = 0.04  # at the least between two looks, however often others call
MOST_HEARD = 10_000  # bookings; a transaction may be long, or never have ended


class Follower(Protocol):
    """Who hears what other nodes did; on the follower's thread."""

    def changed(self, claims: Iterable[Claim]) -> None:
        """These were claimed or released, or may have been."""

    def forgotten(self) -> None:
        """The board was dropped: everything may have changed."""

    def ended(self, closed: Collection[str], erased: Collection[UserId]) -> None:
        """Sessions whose token digests begin so were closed, users were erased."""

    def missed(self) -> None:
        """Something was not heard of: any session may have ended."""

    def looked(self, version: int) -> None:
        """All else has been told, and what could not be read before can be tried again.

        What is offered has this version now. Raises StoreUnavailable.
        """


class Following:
    """One thread that reads the feed, and the order between what it learns and what this node commits itself.

    The feed gives bookings as they are at the moment of a look. A commit of this node that comes between such a look
    and its effect on the board is younger, or may be: what both touched is left alone and looked at again, together
    with every place where either of them says that it is or was.
    """

    def __init__(self, feed: Feed, board: Board, follower: Follower, *, health: Health, meter: Meter, log: Log) -> None:
        self._feed, self._board, self._follower = feed, board, follower
        self._health, self._meter, self._log = health, meter, log
        self._lock = Lock()
        self._again: set[Place] = set()
        self._meanwhile: set[Place] = set()  # what this node touched since the look began that is under way
        self._heard: set[BookingId] = set()  # what looks have told since this node's transaction began,
        self._heard_all = False  # or whether that may be anything
        self._blanked = False  # by an erasure of this node, since the last look began
        self._looking = self._writing = False
        self._due = 0.0
        self._pause, self._pauses = PACE_SECONDS, backoff(LOOK_SECONDS)
        self._done = Event()
        self._thread = Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        """Look for the first time, before anybody looks at slots, and start the thread. Raises StoreUnavailable."""
        self._look()
        self._meter.feed_heard = monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._done.set()
        self._feed.tell()
        self._thread.join()
        self._feed.close()

    @property
    def alive(self) -> bool:
        """Whether the thread is at work; any thread."""
        return self._thread.is_alive()

    def beginning(self, writer: int) -> None:
        """A transaction of this node is about to begin, in this chain; on the committer's thread."""
        self._feed.writes_as(writer)
        with self._lock:
            self._heed(writing=True)

    def own(self, done: Committed, correct: Callable[[Committed], None]) -> None:
        """Correct the board by what this node committed, and let others know; on the committer's thread."""
        changes = done.changes
        with self._lock:
            correct(done)
            self._blanked |= bool(done.changes.erasures)
            if self._looking or self._heard or self._heard_all:
                places, everything = _places(done), self._heard_all and self._board.kept > 0
                self._again.update(place for place in places if everything or place.booking in self._heard)
                self._meanwhile.update(places if self._looking else ())
            self._heed(writing=False)
        if done.entries:
            last = done.entries[-1]
            self._feed.own(Head(last.writer, last.seq, last.hash))
        if changes.released or changes.claimed or changes.closed or changes.erasures:
            self._feed.tell()

    def _heed(self, *, writing: bool) -> None:
        """From now on, what looks tell concerns what this node is about to commit, or it does not."""
        self._writing = writing
        self._heard.clear()
        self._heard_all = False

    def _run(self) -> None:
        while not self._done.wait(self._pause):
            self._listen()
            self._turn()

    def _listen(self) -> None:
        """Wait for a call, unless something is to be looked at again; whatever happens, the thread goes on."""
        try:
            if not self._again:
                self._feed.wait(LOOK_SECONDS - PACE_SECONDS)
        except Exception as defect:  # noqa: BLE001  # else this node would never hear of another again
            self._log.incident(defect)
            self._pause = LOOK_SECONDS

    def _turn(self) -> None:
        """Call the others, and look, whatever comes of it; while nobody here looks at slots, calls are not heeded."""
        try:
            self._feed.call()
            if self._board.kept == 0 and monotonic() < self._due:
                return
            self._due = monotonic() + LOOK_SECONDS - PACE_SECONDS
            self._look()
        except StoreUnavailable as away:
            self._health.trouble(away, FEED)
            self._pause = next(self._pauses)
        except Exception as defect:  # noqa: BLE001  # the next look may go well, from an empty board
            self._log.incident(defect)
            self._lose_track()
        else:
            self._health.ok(FEED)
            self._pause, self._pauses = PACE_SECONDS, backoff(LOOK_SECONDS)
            self._meter.feed_heard = monotonic()

    def _look(self) -> None:
        """Look once, and let it take effect."""
        with self._lock:
            self._looking = True
            self._meanwhile.clear()
            again, self._again = self._again, set()
            self._blanked = False
        touched: list[Claim] | None = None
        warm = True

        def is_warm() -> bool:
            nonlocal warm
            warm = self._board.kept > 0
            return warm

        try:
            news = self._feed.news({place.booking for place in again}, is_warm)
            with self._lock:
                if not warm:
                    self._left_out()
                if news.whole and not (news.erased or self._blanked):
                    touched = self._correct(news, again)
                else:
                    self._board.drop()
                    self._heard_all = self._writing
        except BaseException:
            with self._lock:
                self._again |= again
            raise
        finally:
            self._looking = False
        self._meter.feed_entries = news.entries
        self._tell(news, touched)

    def _correct(self, news: News, again: Collection[Place]) -> list[Claim]:
        """Bring the board up to date; what was touched."""
        places = {*again, *news.places, *map(_place, news.bookings.values())}
        told = {place.booking for place in places}
        if self._writing:
            self._heard |= told
            if len(self._heard) > MOST_HEARD:
                self._heard, self._heard_all = set(), True
        self._again.update(place for place in self._meanwhile if place.booking in told)
        mine = {place.booking for place in self._again}
        later = {place for place in places if place.booking in mine}
        self._again |= later
        released = [self._claim(place) for place in places - later]
        claimed = [claim for claim in news.claims if claim.booking not in mine]
        if not released:
            return []
        self._board.correct(released, claimed, news.bookings)
        return [*released, *claimed]

    def _left_out(self) -> None:
        """A look told no places. What this node did meanwhile may be older than what was left out of it.

        Only if a day was filled since does it matter: whoever begins to look at slots later reads a later state.
        """
        self._heard_all = self._writing
        if self._board.kept > 0:
            self._again.update(self._meanwhile)

    def _claim(self, place: Place) -> Claim:
        """On whatever seat, and with whatever buffers."""
        return Claim(place.resource, 0, self._board.around(place.span), place.booking)

    def _tell(self, news: News, touched: list[Claim] | None) -> None:
        """Tell what was heard, once and for all; what may fail, and is then tried again, comes last."""
        if news.closed or news.erased:
            self._follower.ended(news.closed, news.erased)
        if not news.whole:
            self._follower.missed()
        if touched is None:
            self._follower.forgotten()
        elif touched:
            self._follower.changed(touched)
        self._follower.looked(news.version)

    def _lose_track(self) -> None:
        with suppress(Exception):
            self._board.drop()
            self._follower.missed()
            self._follower.forgotten()


def found(done: Committed) -> list[Booking]:
    """What commands of the batch had become before: another node did it, or this one in a commit it never heard of."""
    if len(done.before.settled) == len(done.changes.settled):
        return []
    decided = {(settled.user, settled.request) for settled in done.changes.settled}
    before = (settled.outcome for key, settled in done.before.settled.items() if key not in decided)
    return [outcome for outcome in before if isinstance(outcome, Booking)]


def _place(booking: Booked | Booking) -> Place:
    return Place(booking.id, booking.resource, booking.span)


def _places(done: Committed) -> list[Place]:
    """Where the batch found or left bookings."""
    claims = (*done.changes.released.values(), *done.changes.claimed.values())
    return [*(Place(claim.booking, claim.resource, claim.span) for claim in claims), *map(_place, found(done))]
