"""Builds what clients talk to: the SMTP door, the web site, and their listeners."""

from collections.abc import Callable
from typing import Any

from twisted.cred.portal import Portal
from twisted.internet.interfaces import IProtocolFactory
from twisted.protocols.tls import TLSMemoryBIOFactory

from smtpeter.assembly.api import build_api
from smtpeter.assembly.foundations import Foundations
from smtpeter.assembly.listening import Door, Listeners
from smtpeter.assembly.readiness import ServerReadiness
from smtpeter.assembly.stages import Stages
from smtpeter.auth.checkers import LoginChecker
from smtpeter.auth.realm import SenderRealm
from smtpeter.config import Settings
from smtpeter.smtpd.door import SMTPDoor
from smtpeter.smtpd.premises import Premises
from smtpeter.smtpd.settings import SMTPSettings
from smtpeter.storage.unsubscribing import StoredUnsubscribing
from smtpeter.tls.certificates import Certificates
from smtpeter.web.api.answers import too_busy, too_large
from smtpeter.web.health import Health
from smtpeter.web.images import Images
from smtpeter.web.proxies import proxies
from smtpeter.web.requests import BodyLimit, WebSite
from smtpeter.web.site import API_SEGMENTS, HostRouter, PublicSite, TrackingSite
from smtpeter.web.tracking import Tracking
from smtpeter.web.unsubscribing import Unsubscribing

MAX_BODY_BYTES = 65_536
"""Nothing but the REST API takes a larger body."""


def build_smtp(settings: Settings, foundations: Foundations, stages: Stages) -> SMTPDoor:
    """The SMTP server, with its portal."""
    smtp = settings.smtp
    chosen = SMTPSettings(
        hostname=settings.server.hostname,
        contact=settings.server.contact,
        max_message_size=smtp.max_message_size,
        max_recipients=smtp.max_recipients,
        bare_newline=smtp.bare_newline,
        greeting_delay=smtp.greeting_delay,
        max_connections=smtp.max_connections,
        max_connections_per_address=smtp.max_connections_per_address,
    )
    checker = LoginChecker(stages.directory, foundations.secrets.password_key)
    premises = Premises(
        settings=chosen,
        portal=Portal(SenderRealm(stages.directory), [checker]),
        intake=stages.intake,
        may_be_return=stages.intake.may_be_return,
        clock=stages.reactor,
        tls_context=foundations.certificates,
        connected=stages.meters.connected,
        refused=stages.meters.refused,
        login_failed=stages.meters.login_failed,
    )
    return SMTPDoor(premises)


def build_web(
    settings: Settings, foundations: Foundations, stages: Stages, is_open: Callable[[], bool]
) -> IProtocolFactory:
    """The web site."""
    keys, url = foundations.secrets.mac_keys, settings.tracking.url
    answered = stages.meters.answered
    tracking = TrackingSite(
        Tracking(keys, url, stages.visits, stages.clock, answered, proxies(settings.web.trusted_proxies)),
        Unsubscribing(
            keys,
            url,
            StoredUnsubscribing(database=stages.database, reasons=settings.suppression.reasons),
            stages.clock,
            answered,
        ),
        Images(stages.images, answered),
    )
    health = Health(ServerReadiness(stages.database, is_open, lambda: stages.pump.is_moving))
    public = PublicSite(build_api(settings, foundations, stages), health.app.resource())
    router = HostRouter(tracking, public, url, settings.web.public_url)
    limit = BodyLimit(settings.web.max_body_size, too_large(settings.web.max_body_size), too_busy())
    limits = dict.fromkeys(API_SEGMENTS, limit)
    site: IProtocolFactory = WebSite(router, MAX_BODY_BYTES, stages.reactor, limits)
    return site


def build_listeners(
    settings: Settings,
    certificates: Certificates | None,
    smtp: IProtocolFactory,
    web: IProtocolFactory,
    metrics: IProtocolFactory | None,
    reactor: Any,
) -> Listeners:
    """All ports."""
    plain = [*((one, smtp) for one in settings.smtp.listen), *((one, web) for one in settings.web.listen)]
    secure = [*((one, smtp) for one in settings.smtp.listen_tls), *((one, web) for one in settings.web.listen_tls)]
    if metrics is not None:
        plain += [(one, metrics) for one in settings.metrics.listen]
    doors = [Door(endpoint=endpoint, factory=factory) for endpoint, factory in plain]
    if certificates is not None:
        doors += [
            Door(endpoint=endpoint, factory=TLSMemoryBIOFactory(certificates, False, factory))
            for endpoint, factory in secure
        ]
    return Listeners(reactor, doors)
