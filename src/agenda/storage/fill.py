"""Makes up a whole agenda of any size in an empty data folder: for measurements, tests and demonstrations.

The same plan gives the same agenda. Its history reaches from the past into the future; its bookings were made one
after the other up to `now`, some of them cancelled and the slot booked again, each with its audit entry, and those of
the last day with the request that made them. All users have the password `agenda`, hashed with the cheapest
parameters that argon2 has, so that thousands can sign in at once.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from argon2 import PasswordHasher

from agenda.domain.audit import SALT_BYTES, ZERO, Head, chain
from agenda.domain.codes import code
from agenda.domain.commands import Account, AuditFact, Settled
from agenda.domain.model import (
    Booking,
    BookingId,
    Business,
    BusinessId,
    Catalogue,
    Claim,
    Hours,
    RequestId,
    Resource,
    ResourceId,
    Role,
    Schedule,
    Service,
    ServiceId,
    Status,
    User,
    UserId,
)
from agenda.domain.times import at_wall, local_day
from agenda.engine.ids import new_ids
from agenda.storage.database import create
from agenda.storage.folder import FILE_MODE, DataFolder
