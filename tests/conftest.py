"""What holds for every test that tries many examples: how long one takes says something about the machine only."""

from hypothesis import HealthCheck, settings

settings.register_profile("agenda", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agenda")
