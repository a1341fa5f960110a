"""What goes before a command, as far as the system has it: that it does not run as root, and that it ends with us."""

import os
import subprocess
from collections.abc import Sequence
from functools import cache
from signal import Signals
from typing import Final

NOBODY: Final = 65534

# Its own eyes see another user, all others still root: files are root's as before.
_IN_A_NAMESPACE: Final = ("unshare", "-U", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
# Where that is forbidden, as it is in most containers: really another user, who may open what is root's all the same.
_AS_NOBODY: Final = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
)


@cache
def not_as_root() -> Sequence[str]:
    """Makes a program that refuses to run as root run all the same; it reads and writes root's files.

    Nothing where we are not root, and where the system knows no way; the program then says itself what it refuses.
    """
    if os.geteuid() != 0:
        return ()
    return next(filter(_works, (_IN_A_NAMESPACE, _AS_NOBODY)), ())


@cache
def ending_with_us(signal: Signals) -> Sequence[str]:
    """Has the program sent this signal when we end in whatever way, be it SIGKILL. It goes after `not_as_root`.

    "We" are the thread that starts it: it has to live as long. Nothing where the system does not offer it (Linux does).
    """
    prefix = ("setpriv", "--pdeathsig", signal.name.removeprefix("SIG"))
    return prefix if _works(prefix) else ()


def _works(prefix: Sequence[str]) -> bool:
    """Whether a command that does nothing goes well behind it."""
    try:
        trial = subprocess.run(
            [*prefix, "true"],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return False
    return trial.returncode == 0
