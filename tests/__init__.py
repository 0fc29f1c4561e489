"""
Tests of SMTPeter; the tree mirrors the package.

No test asserts a time, examples that Hypothesis makes included: a machine may be busy with other things.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
