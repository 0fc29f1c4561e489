"""What events are to those who read them: rows, windows, log files, statistics."""
