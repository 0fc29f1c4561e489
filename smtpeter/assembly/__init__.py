"""Builds everything and joins it: the one place where doors, stages and storage are known together."""

from collections.abc import Callable
from typing import Any

from smtpeter.assembly.doors import build_listeners, build_smtp, build_web
from smtpeter.assembly.foundations import CannotStart, lay_foundations
from smtpeter.assembly.meters import Meters, meters_of
from smtpeter.assembly.metrics import build_metrics
from smtpeter.assembly.server import Server
from smtpeter.assembly.stages import Stages
from smtpeter.config import Settings
from smtpeter.web.figures import Figures

__all__ = ["CannotStart", "Server", "make_server"]


def make_server(settings: Settings, reactor: Any, give_up: Callable[[], None]) -> Server:
    """
    Build a server; nothing runs yet.

    @param give_up: called when the start fails later on; ends the process with an error.
    @raise CannotStart: what it stands on is missing, broken or in use.
    """
    foundations = lay_foundations(settings)
    figures = Figures() if settings.metrics.listen else None
    stages = Stages(settings, foundations, reactor, Meters() if figures is None else meters_of(figures))
    door = build_smtp(settings, foundations, stages)
    metrics = None if figures is None else build_metrics(figures, stages, door)
    opened: list[Server] = []
    web = build_web(settings, foundations, stages, lambda: bool(opened) and opened[0].is_open)
    server = Server(
        clock=reactor,
        threads=reactor,
        state=foundations.state,
        database=stages.database,
        certificates=foundations.certificates,
        stages=(
            stages.threads,
            stages.workers,
            stages.plain,
            stages.styled,
            stages.preview.threads,
            stages.preview.workers,
            stages.visits,
            stages.pump,
            stages.upkeep,
            stages.gathering,
            stages.telling,
            *(() if metrics is None else (metrics.queue,)),
        ),
        door=door,
        listeners=build_listeners(
            settings, foundations.certificates, door.factory, web, None if metrics is None else metrics.factory, reactor
        ),
        give_up=give_up,
    )
    opened.append(server)
    return server
