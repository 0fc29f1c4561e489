"""Turns the text of C{smtpeter.toml} into frozen settings, or into a list of everything that is wrong with it."""

from smtpeter.config.faults import ConfigurationError, Fault
from smtpeter.config.file import load_settings
from smtpeter.config.reader import read_settings
from smtpeter.config.settings import (
    DatabaseSettings,
    DNSSettings,
    MetricsSettings,
    ProcessingSettings,
    RelaySettings,
    RetentionSettings,
    RouteSettings,
    SecretsSettings,
    ServerSettings,
    Settings,
    SMTPSettings,
    SubmissionSettings,
    SuppressionSettings,
    TLSSettings,
    TrackingSettings,
    WebSettings,
)

__all__ = [
    "ConfigurationError",
    "DNSSettings",
    "DatabaseSettings",
    "Fault",
    "MetricsSettings",
    "ProcessingSettings",
    "RelaySettings",
    "RetentionSettings",
    "RouteSettings",
    "SMTPSettings",
    "SecretsSettings",
    "ServerSettings",
    "Settings",
    "SubmissionSettings",
    "SuppressionSettings",
    "TLSSettings",
    "TrackingSettings",
    "WebSettings",
    "load_settings",
    "read_settings",
]
