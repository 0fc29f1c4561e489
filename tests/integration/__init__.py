"""Stages together, with real worker processes and threads."""
