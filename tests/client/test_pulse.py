"""How long a server may be silent."""

from time import monotonic

import pytest

from agenda.client.pulse import Pulse
from agenda.client.transport import Silent
from agenda.storage.postgres import ANSWER_SECONDS

IDLE = 10.0  # as the client has it


def given_up(pulse: Pulse, silence: float) -> bool:
    """Whether a server that has owed an answer for so long is given up."""
    try:
        pulse.check(monotonic() + silence, monotonic())
    except Silent:
        return True
    return False


@pytest.mark.parametrize(("alone", "longest"), [(True, IDLE / 2), (False, IDLE / 3)])
def test_a_server_that_owes_an_answer_is_given_up_sooner_where_there_is_another(alone: bool, longest: float) -> None:
    pulse = Pulse(IDLE)
    pulse.begin(alone=alone)
    assert (given_up(pulse, longest - 0.2), given_up(pulse, longest + 0.2)) == (False, True)


def test_the_only_server_has_time_to_notice_that_its_data_are_silent() -> None:
    pulse = Pulse(IDLE)
    pulse.begin(alone=True)
    assert not given_up(pulse, ANSWER_SECONDS + 0.5)
