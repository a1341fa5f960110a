"""Findings and heads of audit chains, as documents and as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agenda.cli.exits import Failure, Status
from agenda.cli.terminal import Terminal

if TYPE_CHECKING:
    from agenda.domain.audit import Head
    from agenda.storage.diagnosis import Finding
    from agenda.texts import Texts


def head_of(text: str, t: Texts) -> Head:
    """A head as `head_texts` writes it."""
    from agenda.domain.audit import Head

    try:
        writer, seq, hash_ = text.split(":")
        return Head(int(writer), int(seq), bytes.fromhex(hash_))
    except ValueError as error:
        raise Failure(Status.USAGE, "usage", t("cli.usage.head", value=text)) from error


def head_texts(heads: Sequence[Head]) -> list[str]:
    """The heads that are worth keeping, each in one word: a server that did nothing leaves an empty chain."""
    return [f"{head.writer}:{head.seq}:{head.hash.hex()}" for head in heads if head.seq]


def show_heads(terminal: Terminal, heads: Sequence[Head]) -> None:
    """Each that is worth keeping on a line."""
    for text in head_texts(heads):
        terminal.say(f"  {text}")


def finding_document(finding: Finding, t: Texts) -> dict[str, Any]:
    """A finding with its sentence, for programs."""
    return {
        "code": finding.code,
        "urgent": finding.urgent,
        "message": t(f"cli.doctor.{finding.code}", **finding.facts),
        **finding.facts,
    }


def show_findings(terminal: Terminal, findings: Sequence[Finding]) -> int:
    """Each with its code; the exit status says whether one of them is urgent."""
    for finding in findings:
        mark = "✕" if finding.urgent else "!"
        terminal.say(f"{mark} {terminal.t(f'cli.doctor.{finding.code}', **finding.facts)} [{finding.code}]")
    return Status.FOUND if any(finding.urgent for finding in findings) else Status.DONE
