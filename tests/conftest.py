"""What holds for every test, however and wherever tests are run."""

import signal

from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine only.
settings.register_profile("agenda", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agenda")

# A shell has what it starts in the background ignore Ctrl-C, and so would the programs that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
