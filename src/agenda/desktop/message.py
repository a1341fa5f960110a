"""What stands above the grid: trouble first, else the latest outcome, what is going on, or what keys do here."""

from agenda.client import State
from agenda.desktop.state import Face, Model, Notice
from agenda.texts import Texts

_HINTS = {None: "desktop.hint", Face.FREE: "desktop.hint", Face.MINE: "desktop.hint_mine"}


def message(model: Model, face: Face | None, texts: Texts) -> Notice:
    """The one message for a model whose cursor is on a slot with this face, None for no slot.

    An outcome that trouble hides shows again once the trouble is over.
    """
    moving = model.booking(model.moving)
    if not model.online:
        return _trouble(model, texts)
    if model.notice:
        return model.notice
    if moving:
        return Notice("target", "desktop.moving_hint", {"code": moving.code})
    return Notice("hint", _HINTS.get(face, "desktop.hint_choose"))


def _trouble(model: Model, texts: Texts) -> Notice:
    if model.link is not State.AWAY:
        return Notice("warning", "desktop.offline_strip")
    if model.picture is None:
        return Notice("warning", "desktop.away_unseen")
    return Notice("warning", "desktop.away_strip", {"time": texts.time(model.picture.seen)})
