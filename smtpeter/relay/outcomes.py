"""Words a result as the outcome of an attempt."""

from attrs import evolve, frozen

from smtpeter.model.outcome import Kind, Outcome, Reply, Stage
from smtpeter.relay.transaction import Result
from smtpeter.relay.verdicts import classify, retry_hint


@frozen(kw_only=True)
class Scene:
    """What the outcomes of one session have in common."""

    site: str
    local: str = ""
    remote: str = ""
    tls: str = ""
    peer_has_dsn: bool = False
    note: tuple[str, ...] = ()
    """What should be known of every transaction of the session: TLS that was broken."""
    opening: tuple[str, ...] = ()
    """The dialogue before mail; told with what did not go well."""


def conclude(message_id: str, result: Result, scene: Scene, at: float, transcript: tuple[str, ...]) -> Outcome:
    """The outcome of one recipient's part of a transaction."""
    reply = result.reply
    kind = _kind(reply)
    outcome = Outcome(
        message_id=message_id,
        kind=kind,
        at=at,
        stage=result.stage,
        reply=reply,
        description=_description(result, scene),
        site=scene.site,
        local=scene.local,
        remote=scene.remote,
        tls=scene.tls,
        transcript=scene.note + (() if kind is Kind.DELIVERED else scene.opening) + transcript,
        peer_has_dsn=scene.peer_has_dsn,
    )
    return outcome if kind is Kind.DELIVERED else _explained(outcome)


def refuse(message_id: str, stage: Stage, reply: Reply | None, description: str, scene: Scene, at: float) -> Outcome:
    """The outcome when no session could be had: deferred, unless an L{evolve} says otherwise."""
    outcome = Outcome(
        message_id=message_id,
        kind=Kind.DEFERRED,
        at=at,
        stage=stage,
        reply=reply,
        description=description,
        reason="network",
        site=scene.site,
        remote=scene.remote,
        transcript=scene.opening,
    )
    if reply is None or reply.code < 400:
        return outcome
    return evolve(outcome, reason=classify(reply, stage).reason)


def fail(message_id: str, stage: Stage, reply: Reply, scene: Scene, at: float) -> Outcome:
    """The outcome when there is nowhere to send to."""
    verdict = classify(reply, stage)
    # 5.4.4 is the only sure sign of a domain without hosts; a peer that says it may be wrong, our DNS is not.
    is_hard = verdict.is_hard or (reply.enhanced == "5.4.4" and not scene.remote)
    outcome = refuse(message_id, stage, reply, "", scene, at)
    return evolve(outcome, kind=Kind.FAILED, is_hard=is_hard)


def release(message_id: str, site: str, at: float) -> Outcome:
    """The outcome of a job that was not attempted."""
    return Outcome(message_id=message_id, kind=Kind.RELEASED, at=at, stage="connect", site=site)


def _kind(reply: Reply | None) -> Kind:
    if reply is None or 400 <= reply.code < 500:
        return Kind.DEFERRED
    return Kind.DELIVERED if reply.code < 300 else Kind.FAILED


def _description(result: Result, scene: Scene) -> str:
    if result.reply is not None:
        return ""
    twice = "; the message may arrive twice" if result.stage == "message" else ""
    return f"{result.description or 'the connection was lost'} (with {scene.remote}){twice}"


def _explained(outcome: Outcome) -> Outcome:
    """With reason and hint."""
    if outcome.reply is None:
        return evolve(outcome, reason="network")
    verdict = classify(outcome.reply, outcome.stage)
    hint = retry_hint(outcome.reply)
    return evolve(
        outcome, reason=verdict.reason, is_hard=verdict.is_hard, retry_at=None if hint is None else outcome.at + hint
    )
