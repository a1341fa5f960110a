#!/usr/bin/env python3
"""Erases people anew from a restored database, and ends all sessions: AGENDA_STORE names it, standard input their ids.

For a database that no node uses yet. Prints how many of the people it knew; each is erased as the server would have,
with an entry in the audit log.
"""

import os
import re
import sys

from agenda.domain.model import Catalogue
from agenda.storage.erased import erase_people
from agenda.storage.postgres_store import PostgresStore


def nothing() -> Catalogue:
    """What an empty database would offer; none is meant here."""
    sys.exit("The database is empty: nothing was restored into it.")


def main() -> None:
    people = sys.stdin.read().split()
    if strange := [text for text in people if not re.fullmatch("[0-9a-f]{32}", text)]:
        sys.exit(f"Not the id of a person: {strange[0]}")
    store = PostgresStore(os.environ["AGENDA_STORE"], nothing)
    try:
        erased = erase_people(store, people)
        with store.writing() as connection:
            connection.run("DELETE FROM session")
    finally:
        store.close()
    sys.stdout.write(f"{erased} of {len(people)} people were erased again; everybody has to sign in again.\n")


if __name__ == "__main__":
    main()
