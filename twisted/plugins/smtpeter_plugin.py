"""Makes C{smtpeter} known to twistd and twist."""

from twisted.application.service import ServiceMaker

smtpeter = ServiceMaker("SMTPeter", "smtpeter.tap", "An e-mail gateway that tracks, signs and delivers.", "smtpeter")
