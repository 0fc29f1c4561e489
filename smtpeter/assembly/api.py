"""Builds the REST API: its families of resources, and what they stand on."""

from functools import partial

from smtpeter.assembly.foundations import Foundations
from smtpeter.assembly.stages import Stages
from smtpeter.auth.passwords import hash_token
from smtpeter.config.settings import WebSettings
from smtpeter.storage.tokens import StoredTokens
from smtpeter.web.api.access import transport
from smtpeter.web.api.routes import Family
from smtpeter.web.api.service import API


def build_api(web: WebSettings, foundations: Foundations, stages: Stages) -> API:
    """Everything under C{/v1}."""
    families: list[Family] = []
    return API(
        StoredTokens(database=stages.database),
        partial(hash_token, foundations.secrets.password_key),
        transport(web.allow_insecure, web.trusted_proxies),
        stages.threads,
        families,
    )
