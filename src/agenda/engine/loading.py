"""Loading what decide() needs for a batch, in a handful of questions however large the batch is."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from agenda.domain.commands import (
    BookSlot,
    CancelBooking,
    Command,
    EraseUser,
    MoveBooking,
    OpenAccount,
    State,
)
from agenda.domain.model import Catalogue, Claim, ResourceId, ServiceId
from agenda.engine.ports import Transaction, Window


def load(
    transaction: Transaction, commands: Sequence[Command], known: Catalogue, *, again: bool, alone: bool = True
) -> tuple[State, datetime]:
    """The state for these commands and the store's time; bookings first, since they say which claims matter.

    `again` tells that the commands may have been committed already, so that even fresh requests are looked up. Unless
    this node is `alone`, none is at the first try: the store refuses a request that it has, and the batch runs again.
    An erasure keeps no request that the store could refuse.
    """
    users = {c.user for c in commands if not isinstance(c, OpenAccount | EraseUser)}
    named = {c.booking for c in commands if isinstance(c, MoveBooking | CancelBooking)}
    if users and not alone:
        transaction.expect(users, named, [] if named else _windows(State(known), commands), known)
    state = State(transaction.catalogue(known))
    now = transaction.now()
    erased = {c.user for c in commands if isinstance(c, EraseUser)}
    state.holdings = transaction.holdings(erased) if erased else {}
    state.users = transaction.users(users | erased)
    new_names = [c.name for c in commands if isinstance(c, OpenAccount)]
    state.names = transaction.names(new_names) if new_names else set()
    state.bookings = transaction.bookings(named) if named else {}
    asked = (c for c in commands if again or ((alone or isinstance(c, EraseUser)) and not c.fresh))
    repeatable = [(c.user, c.request) for c in asked]
    state.settled = transaction.settled(repeatable) if repeatable else {}
    windows = _windows(state, commands)
    state.claims = _by_resource(transaction.claims(windows, _giving(state, commands))) if windows else {}
    bookers = {c.user for c in commands if isinstance(c, BookSlot)}
    if bookers:
        state.numbers = transaction.next_number()
        if state.catalogue.business.policy.open_bookings is not None:
            state.open_bookings = transaction.open_bookings(bookers, now)
    return state, now


def _windows(state: State, commands: Iterable[Command]) -> list[Window]:
    """Where claims matter: what is wanted, on every seat, and what the named bookings hold."""
    windows = [(booking.resource, booking.seat, booking.span) for booking in state.bookings.values()]
    for command in commands:
        if isinstance(command, BookSlot):
            windows += _wanted(state.catalogue, command.service, command.resource, command.start)
        elif isinstance(command, MoveBooking) and command.booking in state.bookings:
            moved = state.bookings[command.booking]
            target = moved.resource if command.resource is None else command.resource
            windows += _wanted(state.catalogue, moved.service, target, command.start)
    return windows


def _giving(state: State, commands: Iterable[Command]) -> set[ResourceId]:
    """Where the batch may release a claim while it makes others, there or elsewhere."""
    if not any(isinstance(command, BookSlot | MoveBooking) for command in commands):
        return set()
    return {booking.resource for booking in state.bookings.values() if booking.status.live}


def _wanted(catalogue: Catalogue, service_id: ServiceId, resource_id: ResourceId, start: datetime) -> list[Window]:
    service, resource = catalogue.services.get(service_id), catalogue.resources.get(resource_id)
    if service is None or resource is None:
        return []
    try:
        span = service.claimed_from(start)
    except OverflowError:  # at the ends of the calendar nothing is offered
        return []
    return [(resource.id, seat, span) for seat in range(resource.seats)]


def _by_resource(claims: Iterable[Claim]) -> dict[ResourceId, list[Claim]]:
    found: defaultdict[ResourceId, list[Claim]] = defaultdict(list)
    for claim in claims:
        found[claim.resource].append(claim)
    return found
