"""Frozen values that every stage speaks of; they know no I/O, no clock and no stage."""
