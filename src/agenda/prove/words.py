"""Faults in words that people understand, from the catalogue."""

from typing import Protocol


class Says(Protocol):
    """A catalogue; KeyError for a sentence that it does not have."""

    def __call__(self, msgid: str, /, **facts: object) -> str: ...


def fault(kind: str, target: str, t: Says) -> str:
    """What was broken and how. A kind that no sentence is known for, such as a test's own, is named as it is."""
    named = name(target, t)
    try:
        return t(f"cli.prove.fault.{kind}", target=named)
    except KeyError:
        return t("cli.prove.fault", target=named, kind=kind)


def name(target: str, t: Says) -> str:
    """A target such as `node 2`, `database` or `clients 1-6`."""
    word, _, which = target.partition(" ")
    try:
        return t(f"cli.prove.target.{word}", which=which)
    except KeyError:
        return target
