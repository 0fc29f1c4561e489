"""The command line that all contests share."""

import argparse

from attrs import frozen

PEERS = ("sink", "Postfix", "Haraka")


@frozen(kw_only=True)
class Choice:
    """What was asked for."""

    rounds: int
    seconds: float
    sessions: tuple[int, ...]
    peers: tuple[str, ...]
    entrances: tuple[str, ...]
    inliners: tuple[str, ...]


def choose(
    description: str | None, sessions: str, entrances: str = "features off,features on", inliners: str = ""
) -> Choice:
    """
    Read the command line.

    @param inliners: CSS engines; when there are some, others can be chosen, and each is an entrance too.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; medians are shown")
    parser.add_argument("--seconds", type=float, default=5.0, help="of load in each measurement")
    parser.add_argument("--sessions", default=sessions, help="how many at once, by commas")
    parser.add_argument("--peers", default=",".join(PEERS), help="beside SMTPeter, by commas")
    parser.add_argument("--entrances", default=entrances, help="SMTPeter's ways in, by commas")
    if inliners:
        parser.add_argument("--inliners", default=inliners, help="CSS engines, by commas; none: an empty text")
    given = parser.parse_args()
    engines = tuple(filter(None, getattr(given, "inliners", "").split(",")))
    return Choice(
        rounds=given.rounds,
        seconds=given.seconds,
        sessions=tuple(map(int, given.sessions.split(","))),
        peers=tuple(given.peers.split(",")),
        entrances=(*given.entrances.split(","), *(f"all, {engine}" for engine in engines)),
        inliners=engines,
    )
