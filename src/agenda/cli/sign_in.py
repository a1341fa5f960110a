"""Commands that sign in for good and out again, so that later ones need no password."""

from contextlib import suppress

from agenda.cli import remembered
from agenda.cli.exits import Failure, Status
from agenda.cli.online import Access, access
from agenda.cli.options import given
from agenda.cli.terminal import plain_document


@given(access)
def login(way: Access) -> None:
    from agenda.cli.patience import explained
    from agenda.cli.trouble import told

    t = way.terminal.t
    if way.user is None:
        raise Failure(Status.USAGE, "usage", t("cli.usage.missing", name="--user"))
    with way.address.connect(t) as client, told(t, way.address), explained(client, way.address, way.terminal):
        session = client.sign_in(way.user, way.password(way.user, twice=way.create), create=way.create)
        way.address.answered(client.server)
        try:
            remembered.remember(way.address.name, session.user.name, session.token)
        except OSError as error:
            client.sign_out()
            message = t("cli.error.file", path=remembered.folder(), reason=error.strerror)
            raise Failure(Status.USAGE, "file", message) from error
    way.terminal.document({"user": plain_document(session.user), "business": plain_document(session.business)})
    way.terminal.tell("cli.login.done", user=session.user.name, business=session.business.name)


@given(access)
def logout(way: Access) -> None:
    """Ends the session on the server too, if it answers; here it is forgotten in any case, as far as that can be."""
    from agenda.cli.trouble import told
    from agenda.client import NotSignedIn

    t = way.terminal.t
    kept = remembered.session(way.address.name, way.user)
    if kept:
        with suppress(OSError):
            remembered.forget(kept.name)
        address = way.address.only(kept.servers)
        with address.connect(t) as client, told(t, address):
            try:
                client.resume(kept.token)
                client.sign_out()
            except NotSignedIn:
                pass
    way.terminal.document({})
    way.terminal.tell("cli.logout.done", address=way.address)
