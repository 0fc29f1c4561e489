"""Brings mail to the next hop: destination, pool, connection, outcome."""
