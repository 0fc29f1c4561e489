"""Builds the REST API: its families of resources, and what they stand on."""

import os
from functools import partial

from smtpeter.assembly.fetching import build_fetcher
from smtpeter.assembly.foundations import Foundations
from smtpeter.assembly.stages import Stages, fresh_id
from smtpeter.auth.passwords import hash_token
from smtpeter.config import Settings
from smtpeter.events.logfiles import LogFiles
from smtpeter.fetch.client import FetchLimits
from smtpeter.storage.event_counts import StoredEventCounts
from smtpeter.storage.event_search import StoredEventSearch
from smtpeter.storage.inquiries import StoredInquiries
from smtpeter.storage.requests import StoredRequests
from smtpeter.storage.suppressions import StoredSuppressions
from smtpeter.storage.tokens import StoredTokens
from smtpeter.suppression.lists import SuppressionLists
from smtpeter.web.api.datarequests import DataRequestResources
from smtpeter.web.api.doorkeeper import Doorkeeper
from smtpeter.web.api.events import EventResources
from smtpeter.web.api.files import Files
from smtpeter.web.api.logfiles import LogFileResources
from smtpeter.web.api.messages import MessageResources
from smtpeter.web.api.once import OnceOnly
from smtpeter.web.api.previewing import PreviewResources
from smtpeter.web.api.routes import Family
from smtpeter.web.api.sending import Sending
from smtpeter.web.api.service import API
from smtpeter.web.api.statistics import StatisticsResources
from smtpeter.web.api.suppressions import SuppressionResources
from smtpeter.web.proxies import Transport, proxies


def build_api(settings: Settings, foundations: Foundations, stages: Stages) -> API:
    """Everything under C{/v1}."""
    web = settings.web
    requests = StoredRequests(database=stages.database)
    sending = Sending(
        intake=stages.intake,
        once=OnceOnly(requests, stages.clock.seconds),
        sent=requests,
        files=Files(
            build_fetcher(stages.reactor, stages.resolver, FetchLimits(), web.allow_private),
            settings.smtp.max_message_size,
        ),
        threads=stages.threads,
        chance=os.urandom,
        max_message_size=settings.smtp.max_message_size,
        offers_unsubscribe=settings.tracking.url.startswith("https://"),
    )
    book = StoredSuppressions(database=stages.database)
    previewing = PreviewResources(
        draft=sending.draft,
        intake=stages.intake,
        previews=stages.preview.previews,
        suppressions=book,
        threads=stages.preview.threads,
    )
    suppressions = SuppressionResources(SuppressionLists(book, stages.clock.seconds))
    families: list[Family] = [sending, previewing, *_reading(stages), suppressions]
    doorkeeper = Doorkeeper(
        tokens=StoredTokens(database=stages.database),
        hash_token=partial(hash_token, foundations.secrets.password_key),
        transport=Transport(allow_insecure=web.allow_insecure, proxies=proxies(web.trusted_proxies)),
        clock=stages.reactor,
    )
    return API(doorkeeper, stages.threads, families)


def _reading(stages: Stages) -> list[Family]:
    """What is read of the journal and of messages."""
    allow_private = stages.settings.web.allow_private
    search, counts = StoredEventSearch(database=stages.database), StoredEventCounts(database=stages.database)
    return [
        EventResources(search, stages.clock),
        LogFileResources(LogFiles(search), stages.clock),
        StatisticsResources(counts, counts, stages.clock),
        MessageResources(stages.sent, stages.threads),
        DataRequestResources(StoredInquiries(database=stages.database), fresh_id, stages.clock, allow_private),
    ]
