"""Sends a mail with Django, with the settings that the documentation names; run as a program."""

import os

from django.conf import settings
from django.core.mail import send_mail

settings.configure(
    EMAIL_HOST="localhost",
    EMAIL_PORT=int(os.environ["PORT"]),
    EMAIL_USE_TLS=bool(os.environ.get("STARTTLS")),
    EMAIL_USE_SSL=not os.environ.get("STARTTLS"),
    EMAIL_HOST_USER=os.environ["USERNAME"],
    EMAIL_HOST_PASSWORD=os.environ["PASSWORD"],
    EMAIL_TIMEOUT=20,
)
send_mail("hello", os.environ["TEXT"], os.environ["SENDER"], [os.environ["RECIPIENT"]])
