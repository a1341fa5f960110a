"""The window under a person's hands: real keys, a real display, a real server."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from agenda.client import BadCredentials, Client
from agenda.texts import LANGUAGES, texts
from tests.certificates import self_signed
from tests.desktop.conftest import Open
from tests.desktop.held_line import HeldLine
from tests.desktop.screen import Display, Window
from tests.protocol.server import Server, unused_name

pytestmark = pytest.mark.gui
AsUser = Callable[[str], Client]
_days = count(3)


@pytest.fixture
def day(server: Server) -> str:
    """A day on which nobody has booked, as people type it."""
    return f"{server.today() + timedelta(days=next(_days)):%d/%m/%Y}"


def as_date(day: str) -> date:
    return datetime.strptime(day, "%d/%m/%Y").date()  # noqa: DTZ007 - only its day is used


def test_an_account_is_made_and_the_password_is_not_remembered(open_window: Open, tmp_path: Path) -> None:
    window, name = open_window(config="kept"), unused_name()
    seen = window.sign_up(name).until_says(f"Olá, {name}")
    assert seen.focus == "MonthPicker Canvas"
    remembered = (tmp_path / "kept" / "desktop.json").read_text()
    assert name in remembered
    assert "segredo" not in remembered
    again = open_window(config="kept")
    assert again.seen().focus == "Frame Entry"
    again.keys("=errada", "Return")
    again.until_says("Nome ou senha não conferem")
    again.keys("=segredo", "Return")
    again.until_says(f"Olá, {name}")


def test_a_day_a_time_and_enter_book_a_slot_and_its_code_is_shown(open_window: Open, as_user: AsUser, day: str) -> None:
    name = unused_name()
    window = open_window().sign_up(name).go_to(day, "14:00")
    window.keys("Return")
    seen = window.until(lambda seen: seen.slots["14:00"] == "✓ Meu horário")
    (booking,) = as_user(name).bookings()
    assert booking.start.date() == as_date(day)
    assert booking.start.hour == 14
    assert booking.code in window.until_says("Reservado:").texts
    assert seen.focus == "SlotGrid Canvas"
    assert seen.cursor == ["14:00"]
    assert seen.chosen[0][2] == booking.code


def test_a_typed_day_that_does_not_exist_is_said_and_typed_over(open_window: Open, day: str) -> None:
    window = open_window().sign_up(unused_name())
    window.keys("alt+i", "=31/02", "Return")
    window.until_says("Dia inválido")
    window.keys("ctrl+a", f"={day}", "Return")
    seen = window.until(lambda seen: seen.focus == "SlotGrid Canvas")
    assert not any("Dia inválido" in each for each in seen.texts)


def test_a_note_is_kept_with_the_booking(open_window: Open, as_user: AsUser, day: str) -> None:
    name = unused_name()
    window = open_window().sign_up(name).go_to(day, "9:00".zfill(5))
    window.keys("alt+n", "=Senhora Lima", "Return")
    window.until_says("Senhora Lima")
    assert [booking.note for booking in as_user(name).bookings()] == ["Senhora Lima"]


def test_what_another_books_and_cancels_arrives_by_itself(open_window: Open, day: str) -> None:
    one, two = open_window().sign_up(unused_name()), open_window(language="en").sign_up(unused_name())
    one.go_to(day, "10:00")
    two.keys("alt+y", f"={day}", "Return", "=1700")
    before = two.until(lambda seen: seen.cursor == ["17:00"] and seen.slots["10:00"] == "○ Free")
    one.keys("Return")
    after = two.until(lambda seen: seen.slots["10:00"] == "✕ Taken")
    assert (two.seen("focus").focus, after.cursor) == (before.focus, before.cursor)
    one.until(lambda seen: seen.slots["10:00"] == "✓ Meu horário")
    one.keys("Delete")
    one.until(lambda seen: seen.dialog)
    one.keys("Right", "Return")
    two.until(lambda seen: seen.slots["10:00"] == "○ Free")


def test_who_comes_second_is_told_so_and_keeps_the_focus(
    open_window: Open, server: Server, as_user: AsUser, day: str
) -> None:
    with HeldLine(("127.0.0.1", server.address[1])) as line:
        name = unused_name()
        window = open_window(port=line.port).sign_up(name).go_to(day, "11:00")
        window.keys("alt+n", "=Senhora Lima")
        line.hold()
        start = datetime.combine(as_date(day), datetime.min.time().replace(hour=11))
        as_user(unused_name()).book(start)
        assert window.seen().slots["11:00"] == "○ Livre"
        window.keys("Return")
        window.until(lambda seen: seen.slots["11:00"] == "… Aguardando")
        line.release()
        seen = window.until_says("já está reservado")
        window.until(lambda seen: seen.slots["11:00"] == "✕ Ocupado")
        assert (seen.focus, seen.cursor) == ("SlotGrid Canvas", ["11:00"])
        assert as_user(name).bookings() == []
        window.keys("Right", "Return")
        window.until(lambda seen: seen.slots["12:00"] == "✓ Meu horário")
        assert [booking.note for booking in as_user(name).bookings()] == ["Senhora Lima"]


def test_a_booking_is_moved_on_the_grid_and_stays_the_same_booking(
    open_window: Open, as_user: AsUser, day: str
) -> None:
    name = unused_name()
    window = open_window().sign_up(name).go_to(day, "08:00")
    window.keys("Return")
    window.until(lambda seen: seen.slots["08:00"] == "✓ Meu horário")
    (before,) = as_user(name).bookings()
    window.keys("Return")
    window.until(lambda seen: seen.slots["16:00"] == "→ Para cá")
    window.keys("Escape")
    window.until(lambda seen: seen.slots["16:00"] == "○ Livre")
    window.keys("Return", "=16", "Return")
    window.until(lambda seen: (seen.slots["16:00"], seen.slots["08:00"]) == ("✓ Meu horário", "○ Livre"))
    (after,) = as_user(name).bookings()
    assert (after.id, after.start.hour) == (before.id, 16)


def test_a_booking_is_moved_from_the_list_by_the_space_bar_too(open_window: Open, day: str) -> None:
    window = open_window().sign_up(unused_name()).go_to(day, "08:00")
    window.keys("Return")
    window.until_says("Reservado:")
    window.keys("alt+m", "space")
    assert window.until(lambda seen: seen.slots["16:00"] == "→ Para cá").focus == "SlotGrid Canvas"


def test_a_booking_is_cancelled_only_after_a_question(open_window: Open, as_user: AsUser, day: str) -> None:
    name = unused_name()
    window = open_window().sign_up(name).go_to(day, "08:00")
    window.keys("Return")
    window.until_says("Reservado:")
    window.keys("alt+e")
    window.until(lambda seen: seen.dialog)
    window.keys("Return")
    seen = window.until(lambda seen: not seen.dialog)
    assert seen.focus == "SlotGrid Canvas"
    assert len(as_user(name).bookings("booked")) == 1
    window.keys("alt+e", "alt+c")
    window.until_says("Cancelada:")
    assert as_user(name).bookings("booked") == []


def test_the_log_shows_what_was_done_and_what_was_refused(open_window: Open, as_user: AsUser, day: str) -> None:
    name = unused_name()
    window = open_window().sign_up(name).go_to(day, "08:00")
    window.keys("Return")
    window.until_says("Reservado:")
    window.keys("alt+u")
    seen = window.until(lambda seen: seen.dialog and any(row[1] == "Reserva" for row in seen.rows))
    (booked,) = [row for row in seen.rows if row[1] == "Reserva"]
    assert booked[2] == f"{day} 08:00"
    assert booked[3] == "✓ Feito"
    window.keys("Escape")
    assert window.until(lambda seen: not seen.dialog).focus == "SlotGrid Canvas"


def test_older_entries_of_a_long_log_come_page_by_page(open_window: Open, as_user: AsUser, day: str) -> None:
    name = unused_name()
    client = as_user(name)
    start = datetime.combine(as_date(day), datetime.min.time().replace(hour=8))
    for _ in range(60):
        client.cancel(client.book(start).id)
    window = open_window()
    window.keys(f"={name}", "Tab", "=segredo", "Return")
    window.until(lambda seen: seen.slots)
    window.keys("alt+u")
    window.until(lambda seen: len(seen.rows) == 100)
    window.keys("alt+a")
    seen = window.until(lambda seen: len(seen.rows) > 120)
    assert "Mais antigos" in seen.disabled


def test_all_data_goes_into_a_file(open_window: Open, tmp_path: Path) -> None:
    name, path = unused_name(), tmp_path / "meus dados.json"
    window = open_window().sign_up(name)
    window.keys("alt+d")
    window.until(lambda seen: seen.dialog)
    window.keys("ctrl+slash", f"={path}", "Return")
    window.until_says("Gravado em")
    assert name in json.dumps(json.loads(path.read_text("utf-8")), ensure_ascii=False)


def test_erasing_needs_the_name_and_the_password_and_shows_a_receipt(
    open_window: Open, server: Server, day: str
) -> None:
    name = unused_name()
    window = open_window().sign_up(name).go_to(day, "08:00")
    window.keys("Return")
    window.until_says("Reservado:")
    window.keys("alt+d")
    assert "Excluir" in window.until(lambda seen: seen.dialog).disabled
    window.keys("alt+m", f"={name}", "alt+s", "=errada", "Return")
    window.until_says("Nome ou senha não conferem")
    window.keys("ctrl+slash", "=segredo", "Return")
    window.until_says("Seus dados foram excluídos")
    window.keys("Return")
    window.until_says("Informe o servidor")
    with Client(*server.address) as client, pytest.raises(BadCredentials):
        client.sign_in(name, "segredo")


def test_a_click_while_the_server_is_away_happens_once_when_it_is_back(
    open_window: Open, server: Server, as_user: AsUser, day: str
) -> None:
    name = unused_name()
    window = open_window().sign_up(name).go_to(day, "08:00")
    server.kill()
    window.until_says("Sem conexão ·")
    seen = window.until_says("como estava às")
    assert seen.slots["15:00"] == "○ Livre"
    window.keys("Return", "Return", "space")
    seen = window.until(lambda seen: seen.slots["08:00"] == "… Aguardando")
    assert "Aguardando" in seen.disabled
    window.keys("Right", "Return")
    window.until_says("2 pedidos aguardando resposta")
    server.start()
    seen = window.until(lambda seen: (seen.slots["08:00"], seen.slots["09:00"]) == ("✓ Meu horário", "✓ Meu horário"))
    window.until_says("Conectado ·")
    assert seen.focus == "SlotGrid Canvas"
    assert [booking.start.hour for booking in as_user(name).bookings()] == [8, 9]
    tried = [entry for entry in as_user(name).log().entries if entry.action == "booking.create"]
    assert [entry.outcome for entry in tried] == ["ok", "ok"]


def test_closing_over_an_unanswered_click_asks_first(open_window: Open, server: Server, day: str) -> None:
    window = open_window().sign_up(unused_name()).go_to(day, "08:00")
    server.kill()
    window.until_says("Sem conexão ·")
    window.keys("Return")
    window.until_says("1 pedido aguardando resposta")
    window.keys("ctrl+q")
    window.until(lambda seen: seen.dialog)
    window.keys("Escape")
    server.start()
    window.until(lambda seen: seen.slots["08:00"] == "✓ Meu horário")


def test_language_and_theme_change_under_the_hands_and_nothing_is_lost(open_window: Open, day: str) -> None:
    window = open_window().sign_up(unused_name()).go_to(day, "13:00")
    before = window.seen()
    window.keys("alt+l", "alt+h")
    after = window.until(lambda seen: seen.slots["13:00"] == "○ Free" and seen.colour != before.colour)
    assert (after.cursor, after.focus) == (before.cursor, before.focus)
    assert "My bookings" in after.texts
    window.keys("alt+g")
    window.until(lambda seen: seen.slots["13:00"] == "○ Livre")


def test_larger_text_keeps_cursor_and_focus(open_window: Open, day: str) -> None:
    window = open_window().sign_up(unused_name()).go_to(day, "13:00")
    window.keys("ctrl+plus", "ctrl+plus", "ctrl+plus")
    seen = window.until(lambda seen: "Minhas reservas" in seen.texts and "13:00" in seen.slots)
    assert (seen.cursor, seen.focus) == (["13:00"], "SlotGrid Canvas")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_small_window_and_one_on_a_dense_screen_show_everything_whole(
    server: Server, tmp_path: Path, language: str
) -> None:
    lines = []
    for dpi, screen, size in ((96, "2400x800", "1024x700"), (192, "4200x1500", "2048x1400")):
        options = ("--host", "127.0.0.1", "--port", str(server.address[1]), "--language", language)
        with Display(screen, dpi) as display, ExitStack() as stack:
            window = Window(display.name, tmp_path / size, *options, "--geometry", f"{size}+0+0")
            stack.callback(window.close)
            assert window.ready().seen().cut == []
            seen = window.sign_up(unused_name()).seen()
            assert seen.cut == []
            lines.append(seen.line)
    assert lines[1] == pytest.approx(2 * lines[0], rel=0.1)


@pytest.mark.parametrize("size", ["1024x700", "1080x700"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_becomes_of_a_click_is_said_whole_and_moves_no_slot_under_the_mouse(
    open_window: Open, server: Server, language: str, size: str
) -> None:
    window = open_window("--geometry", f"{size}+0+0", language=language).sign_up(unused_name())
    days = (server.today() + timedelta(days=ahead) for ahead in range(90, 500))
    longest = max(days, key=lambda day: len(texts(language).day(day, "full")))
    window.go_to(f"{longest:%d/%m/%Y}", {"1024x700": "17:00", "1080x700": "18:00"}[size])
    free = window.seen()
    window.keys("Return")
    booked = window.until(lambda seen: {"Copiar", "Copy"} & set(seen.texts) and seen.chosen)
    server.kill()
    trouble = window.until_says(texts(language)("desktop.offline_strip"))
    server.start()
    assert (free.cut, booked.cut, trouble.cut) == ([], [], [])
    assert free.grid_top == booked.grid_top == trouble.grid_top


def test_tab_comes_by_every_control_and_once_by_each_group(open_window: Open, day: str) -> None:
    window = open_window().sign_up(unused_name()).go_to(day, "13:00")
    window.keys("Return")
    window.until_says("Reservado:")
    stops = [window.seen().focus]
    while stops[0] not in stops[1:]:
        window.keys("Tab")
        stops.append(window.seen().focus)
        assert len(stops) < 40, stops
    assert [stop for stop in stops if "Canvas" in stop] == ["SlotGrid Canvas", "MonthPicker Canvas", "SlotGrid Canvas"]
    assert {"BookingsPanel Treeview", "MonthPicker Entry"} <= set(stops)
    buttons = {stop.split("Button ", 1)[1] for stop in stops if "Button " in stop}
    assert buttons >= {"Registro de auditoria", "Meus dados", "English", "Sair", "Hoje", "Mover…", "Cancelar reserva…"}


@pytest.mark.parametrize("size", ["1080x700", "700x600"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_controls_on_one_screen_share_a_letter(open_window: Open, language: str, size: str) -> None:
    window = open_window("--geometry", f"{size}+0+0", language=language)
    letters = window.seen().letters
    assert sorted(set(letters)) == sorted(letters)
    window.sign_up(unused_name()) if language == "pt-BR" else window.keys(
        f"={unused_name()}", "Tab", "=x", "alt+c", "Return"
    )
    letters = window.until(lambda seen: seen.slots).letters
    assert sorted(set(letters)) == sorted(letters)
    assert re.fullmatch(r"[a-z]+", "".join(letters))
    window.keys("Right", "Return", "Return", "alt+m")
    letters = window.until(lambda seen: seen.chosen).letters
    assert sorted(set(letters)) == sorted(letters)


def test_who_is_erased_in_one_window_is_asked_to_sign_in_in_another(open_window: Open, day: str) -> None:
    name = unused_name()
    one = open_window().sign_up(name)
    two = open_window()
    two.keys(f"={name}", "Tab", "=segredo", "Return")
    two.until(lambda seen: seen.slots)
    one.keys("alt+d")
    one.until(lambda seen: seen.dialog)
    one.keys("alt+m", f"={name}", "alt+s", "=segredo", "Return")
    one.until(lambda seen: seen.focus.endswith("Button Fechar"))
    two.keys("alt+i", f"={day}", "Return")
    two.until_says("Entre com seu nome e sua senha")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    return self_signed(tmp_path, "IP:127.0.0.1")


@pytest.fixture
def guarded(tmp_path: Path, certificate: tuple[Path, Path]) -> Iterator[Server]:
    """A server that speaks TLS."""
    options = ("--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1]))
    running = Server(tmp_path / "guarded", options=options).start()
    yield running
    running.close()


def test_over_tls_only_a_trusted_certificate_is_accepted(
    open_window: Open, guarded: Server, certificate: tuple[Path, Path], day: str
) -> None:
    window = open_window(port=guarded.address[1])
    window.keys(f"={unused_name()}", "alt+g", "alt+s", "=segredo", "Return")
    window.until_says("A conexão segura com 127.0.0.1")
    trusting = open_window("--ca", str(certificate[0]), port=guarded.address[1]).sign_up(unused_name())
    trusting.go_to(day, "08:00").keys("Return")
    trusting.until_says("Reservado:")
