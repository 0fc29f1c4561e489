"""The C{smtpeter} command: an operator's hand on the configuration and the database, beside a running server."""
