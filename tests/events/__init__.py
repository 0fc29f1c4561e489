"""Tests of L{smtpeter.events}."""
