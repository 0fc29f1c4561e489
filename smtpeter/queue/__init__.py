"""Accepted mail on its way: when it is tried, what an attempt leads to, and the pump that keeps it moving."""
