"""Tests of L{smtpeter.suppression}."""
