"""What the window's threads say to the server: the sign-in, and clicks that wait for their answer."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agenda.client import Client, Disconnected, State, Unavailable
from agenda.desktop.address import SignIn
from agenda.wire import Resource, Service, Session

T = TypeVar("T")
PAUSE = 1.0
"""Seconds between tries of a click that has no answer yet."""
_LONGEST_PAUSE = 5.0
_DAYS_AHEAD = 14


@dataclass(frozen=True)
class Opened:
    """Everything that a successful sign-in brings."""

    client: Client
    session: Session
    services: list[Service]
    resources: list[Resource]
    ahead: timedelta  # the server's clock minus ours
    zone: tzinfo  # of the business
    day: date  # the first on which something can be booked


def open_session(client: Client, who: SignIn) -> Opened:
    """Sign in and ask for what the first screen needs; whatever goes wrong is raised and the client closed."""
    try:
        session = client.sign_in(who.user, who.password, create=who.create)
        before = datetime.now(UTC)
        ahead = client.ping().now - before
        services, resources = client.services(), client.resources()
        zone = _zone(session.business.timezone)
        day = _first_day(client, (before + ahead).astimezone(zone).date(), services, resources)
        return Opened(client, session, services, resources, ahead, zone, day)
    except BaseException:
        client.close()
        raise


def _zone(name: str) -> tzinfo:
    """The time zone of that name, this machine's where it does not know the name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.now().astimezone().tzinfo or UTC


def _first_day(client: Client, today: date, services: list[Service], resources: list[Resource]) -> date:
    """The first day from today on with a free slot of what the window shows at first; today where all are far off."""
    if not services or not resources:
        return today
    for ahead in range(_DAYS_AHEAD):
        day = today + timedelta(days=ahead)
        slots = client.slots(day, service=services[0].id, resource=resources[0].id).slots
        if any(slot.state == "free" for slot in slots):
            return day
    return today


def hang_up(client: Client) -> None:
    """Close it beside the window's thread: a host's name that is being looked up would hold that up for seconds."""
    threading.Thread(target=client.close, name="agenda-hang-up", daemon=True).start()


def pause_of(error: Unavailable) -> float:
    """How many seconds to wait before asking again."""
    return min(float(error.facts.get("retry_after", PAUSE)), _LONGEST_PAUSE)


def until_answered(client: Client, call: Callable[[Client], T], stopping: threading.Event) -> T:
    """Call until there is an answer, however long the server is away.

    The call carries its own `request`, so it may be sent any number of times. Raises the server's
    refusals, and Disconnected once the client is closed or the window is `stopping`.
    """
    while True:
        try:
            return call(client)
        except Disconnected:
            pause = PAUSE
            if client.state is State.CLOSED:
                raise
        except Unavailable as error:
            pause = pause_of(error)
        if stopping.wait(pause):
            raise Disconnected("the window was closed")
