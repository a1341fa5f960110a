"""What a correct agenda may do is let pass, and each way to break a promise is found by the check for it."""

import pytest

from agenda.prove.checks import judge
from agenda.prove.history import UNKNOWN, Answer, Call, History
from agenda.prove.parts import CANCEL, CREATE, MOVE
from agenda.prove.verdict import Judgement
from tests.prove.simulated import Shape, simulated
from tests.prove.story import ELEVEN, NOON, TEN, Story


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.mark.parametrize("seed", range(20))
def test_a_run_against_a_correct_agenda_is_proven(seed: int) -> None:
    shape = Shape(groups=4, slots=4, clients=16, calls=400, lost=0.05, stalls=8)
    assert judge(simulated(seed, shape)).proven


def test_a_place_can_be_given_again_once_it_is_cancelled(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.cancel("ana", "a", TEN, 2, 3)
    story.create("bia", TEN, 4, 5, "b")
    story.end(("b", "bia", TEN))
    assert story.codes() == set()


def test_calls_that_overlap_may_have_happened_in_any_order(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.create("bia", TEN, 2, 9, "b")
    story.refuse("caio", CREATE, 3, 4, "slot_taken", place=TEN)
    story.cancel("ana", "a", TEN, 5, 8)
    story.refuse("caio", CREATE, 6, 7, "slot_taken", place=TEN)
    story.end(("b", "bia", TEN))
    assert story.codes() == set()


def test_a_move_frees_one_place_and_takes_another(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.move("ana", "a", ELEVEN, 2, 3)
    story.refuse("bia", CREATE, 4, 5, "slot_taken", place=ELEVEN)
    story.create("bia", TEN, 6, 7, "b")
    story.end(("a", "ana", ELEVEN), ("b", "bia", TEN))
    assert story.codes() == set()


def test_a_move_away_and_back_may_overlap_a_move_to_where_one_is(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.move("ana", "a", ELEVEN, 2, 3)
    story.move("ana", "a", TEN, 3, 4)
    story.end(("a", "ana", TEN))
    assert story.codes() == set()


def test_what_nobody_answered_may_have_happened(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.refuse("ana", CANCEL, 2, 3, UNKNOWN, booking="a")
    story.create("bia", TEN, 4, 5, "b")
    story.end(("b", "bia", TEN))
    assert story.codes() == set()


def test_what_nobody_answered_may_not_have_happened(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.refuse("ana", CANCEL, 2, 3, "unavailable", booking="a")
    story.refuse("bia", CREATE, 4, 5, "slot_taken", place=TEN)
    story.end(("a", "ana", TEN))
    assert story.codes() == set()


def test_a_booking_whose_answer_was_lost_explains_itself_at_the_end(story: Story) -> None:
    story.create("bia", ELEVEN, 0, 1, "b")
    story.refuse("ana", CREATE, 2, 3, UNKNOWN, place=TEN)
    story.end(("x", "ana", TEN), ("b", "bia", ELEVEN))
    assert story.codes() == set()


def test_a_booking_whose_answer_was_lost_can_be_moved_and_cancelled_by_who_found_it(story: Story) -> None:
    story.refuse("ana", CREATE, 0, 1, UNKNOWN, place=TEN)
    story.move("ana", "x", ELEVEN, 2, 3)
    story.cancel("ana", "x", ELEVEN, 4, 5)
    story.end()
    assert story.codes() == set()


def test_a_booking_known_by_a_cancellation_alone_may_have_been_where_its_user_wanted_one(story: Story) -> None:
    story.refuse("ana", CREATE, 0, 1, UNKNOWN, place=TEN)
    story.refuse("bia", CREATE, 2, 3, "slot_taken", place=TEN)
    story.refuse("ana", CANCEL, 4, 5, UNKNOWN, booking="x")
    story.create("bia", TEN, 6, 7, "b")
    story.end(("b", "bia", TEN))
    assert story.codes() == set()


def test_a_refusal_for_another_reason_changes_nothing_and_is_not_judged(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.refuse("ana", CANCEL, 2, 3, "too_late", booking="a")
    story.end(("a", "ana", TEN))
    assert story.codes() == set()


def test_another_s_booking_cannot_be_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.refuse("bia", CANCEL, 2, 3, "not_found", booking="a")
    story.end(("a", "ana", TEN))
    assert story.codes() == set()


def test_a_double_booking_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.create("bia", TEN, 2, 3, "b")
    story.end(("a", "ana", TEN), ("b", "bia", TEN))
    assert story.codes() == {"double", "order_answer"}


def test_a_double_booking_is_found_also_if_one_was_cancelled_since(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.create("bia", TEN, 2, 3, "b")
    story.cancel("ana", "a", TEN, 4, 5)
    story.end(("b", "bia", TEN))
    assert story.codes() == {"order_answer"}


def test_a_double_booking_by_a_move_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.create("bia", ELEVEN, 0, 1, "b")
    story.move("bia", "b", TEN, 2, 3)
    story.cancel("ana", "a", TEN, 4, 5)
    story.end(("b", "bia", TEN))
    assert story.codes() == {"order_answer"}


def test_a_booking_in_two_places_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.move("ana", "a", ELEVEN, 2, 3)
    story.end(("a", "ana", TEN), ("a", "ana", ELEVEN))
    assert "two_places" in story.codes()


def test_a_lost_booking_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.end()
    assert story.codes() == {"lost", "order_end"}


def test_a_lost_booking_is_found_also_if_the_place_was_given_again(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.create("bia", TEN, 2, 3, "b")
    story.end(("b", "bia", TEN))
    assert story.codes() == {"lost", "order_answer"}


def test_a_cancellation_that_nobody_asked_for_is_found_by_the_move_that_fails(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.refuse("ana", MOVE, 2, 3, "not_found", booking="a", place=ELEVEN)
    story.end()
    assert story.codes() == {"lost", "order_found"}


def test_a_lost_cancellation_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.cancel("ana", "a", TEN, 2, 3)
    story.end(("a", "ana", TEN))
    assert story.codes() == {"cancellation_lost", "order_end"}


def test_a_lost_move_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.move("ana", "a", ELEVEN, 2, 3)
    story.end(("a", "ana", TEN))
    assert story.codes() == {"elsewhere", "order_end"}


def test_a_refusal_of_a_place_that_was_free_all_the_time_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.cancel("ana", "a", TEN, 2, 3)
    story.refuse("bia", CREATE, 4, 5, "slot_taken", place=TEN)
    story.end()
    assert story.codes() == {"order_answer"}


def test_a_move_refused_although_the_place_was_free_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.refuse("ana", MOVE, 2, 3, "slot_taken", booking="a", place=ELEVEN)
    story.end(("a", "ana", TEN))
    assert story.codes() == {"order_answer"}


def test_a_cancelled_booking_whose_move_is_refused_as_if_it_were_live_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.create("bia", ELEVEN, 0, 1, "b")
    story.cancel("ana", "a", TEN, 2, 3)
    story.refuse("ana", MOVE, 4, 5, "slot_taken", booking="a", place=ELEVEN)
    story.end(("b", "bia", ELEVEN))
    assert story.codes() == {"order_answer"}


def test_a_cancellation_that_finds_no_booking_although_it_was_made_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.refuse("ana", CANCEL, 2, 3, "not_found", booking="a")
    story.end(("a", "ana", TEN))
    assert story.codes() == {"order_found"}


def test_a_booking_that_nobody_asked_for_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.end(("a", "ana", TEN), ("x", "ana", NOON))
    assert story.codes() == {"phantom", "order_end"}


def test_a_lost_answer_explains_one_booking_and_no_second(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.refuse("bia", CREATE, 2, 3, UNKNOWN, place=ELEVEN)
    story.end(("a", "ana", TEN), ("x", "bia", ELEVEN), ("y", "bia", NOON))
    assert story.codes() == {"phantom", "order_end"}


def test_a_lost_answer_explains_no_second_booking_once_the_first_has_left(story: Story) -> None:
    story.refuse("ana", CREATE, 0, 1, UNKNOWN, place=TEN)
    story.move("ana", "x", ELEVEN, 2, 3)
    story.end(("x", "ana", ELEVEN), ("y", "ana", TEN))
    assert story.codes() == {"phantom", "order_end"}


def test_a_cancelled_booking_that_comes_back_is_found(story: Story) -> None:
    story.refuse("ana", CREATE, 0, 1, UNKNOWN, place=TEN)
    story.refuse("ana", CREATE, 0, 1, UNKNOWN, place=ELEVEN)
    story.cancel("ana", "x", TEN, 2, 3)
    story.end(("x", "ana", ELEVEN))
    assert story.codes() == {"cancellation_lost", "order_end"}


def test_a_cancellation_of_a_booking_that_was_never_made_is_found(story: Story) -> None:
    story.cancel("ana", "x", TEN, 0, 1)
    story.end()
    assert story.codes() == {"order_answer"}


def test_a_cancellation_that_names_another_place_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.cancel("ana", "a", ELEVEN, 2, 3)
    story.end()
    assert story.codes() == {"order_answer"}


def test_a_change_of_another_s_booking_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.cancel("bia", "a", TEN, 2, 3)
    story.end()
    assert story.codes() == {"order_never"}


def test_a_booking_that_a_refused_creation_made_all_the_same_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 9, "a")
    story.refuse("bia", CREATE, 1, 2, "limit_reached", place=ELEVEN)
    story.end(("a", "ana", TEN), ("x", "bia", ELEVEN))
    assert story.codes() == {"phantom", "order_end"}


def test_a_request_acted_on_twice_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.cancel("ana", "a", TEN, 2, 3)
    story.repeat(0, "ok", Answer("again", TEN, "booked"))
    story.end(("again", "ana", TEN))
    assert story.codes() == {"answer_changed", "phantom", "order_end"}


def test_another_answer_to_the_same_request_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 9, "a")
    story.refuse("bia", CREATE, 1, 2, "slot_taken", place=TEN)
    story.repeat(1, "slot_not_offered")
    story.end(("a", "ana", TEN))
    assert story.codes() == {"answer_changed"}


def test_one_booking_given_to_two_requests_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.create("ana", TEN, 0, 1, "a")
    story.end(("a", "ana", TEN))
    assert story.codes() == {"booking_twice", "order_answer"}


def test_a_request_that_is_used_twice_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.history.calls *= 2
    story.end(("a", "ana", TEN))
    assert "request_twice" in story.codes()


def test_a_repeat_settles_a_call_that_was_not_answered(story: Story) -> None:
    story.refuse("ana", CREATE, 0, 1, UNKNOWN, place=TEN)
    story.repeat(0, "ok", Answer("a", TEN, "booked"))
    story.end()
    assert story.codes() == {"lost", "order_end"}


def test_an_answer_about_something_else_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.history.calls.append(
        Call(1, "ana", MOVE, "r9", 2, 3, "ok", "a", ELEVEN, Answer("a", TEN, "booked")),
    )
    story.end(("a", "ana", TEN))
    assert story.codes() >= {"misfit_place", "order_never"}


def test_a_stale_picture_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.end(("a", "ana", TEN))
    story.picture({TEN: "free", ELEVEN: "free"}, {TEN: "taken", ELEVEN: "free"})
    assert story.codes() == {"stale"}


def test_a_picture_that_lacks_a_place_is_found(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.end(("a", "ana", TEN))
    story.picture({}, {ELEVEN: "free"})
    assert story.codes() == {"stale"}


def test_a_run_in_which_nothing_was_acknowledged_proves_nothing() -> None:
    assert judge(History(1, [[TEN]])).judgement is Judgement.UNDECIDED


def test_a_search_that_is_given_up_is_undecided_and_not_proven() -> None:
    verdict = judge(simulated(1, Shape(calls=40)), limit=3)
    assert (verdict.judgement, verdict.proven) == (Judgement.UNDECIDED, False)


def test_a_booking_that_went_to_another_group_is_judged_there(story: Story) -> None:
    story.history.groups = [[TEN], [ELEVEN], [NOON]]
    story.create("ana", TEN, 0, 1, "a")
    story.move("ana", "a", ELEVEN, 2, 3)
    story.create("bia", TEN, 4, 5, "b")
    story.end(("a", "ana", ELEVEN), ("b", "bia", TEN))
    assert story.codes() == set()


def test_what_fits_no_order_is_shown_with_the_calls_around_it(story: Story) -> None:
    story.create("ana", TEN, 0, 1, "a")
    story.create("caio", NOON, 0, 1, "c")
    story.create("bia", TEN, 2, 3, "b")
    story.cancel("bia", "b", TEN, 4, 5)
    story.end(("a", "ana", TEN), ("c", "caio", NOON))
    (finding,) = story.findings()
    assert [call.user for call in finding.calls] == ["ana", "bia"]
    assert (finding.culprit, finding.facts["holders"]) == (story.history.calls[2], ("a",))
