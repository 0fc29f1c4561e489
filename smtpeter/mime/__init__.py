"""Messages as bytes: read, checked, repaired, signed and composed; bytes in, bytes out, no I/O, no clock, no chance."""
