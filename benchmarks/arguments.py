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


def choose(description: str | None, sessions: str, entrances: str = "features off,features on") -> Choice:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; medians are shown")
    parser.add_argument("--seconds", type=float, default=5.0, help="of load in each measurement")
    parser.add_argument("--sessions", default=sessions, help="how many at once, by commas")
    parser.add_argument("--peers", default=",".join(PEERS), help="beside SMTPeter, by commas")
    parser.add_argument("--entrances", default=entrances, help="SMTPeter's ways in, by commas")
    given = parser.parse_args()
    return Choice(
        rounds=given.rounds,
        seconds=given.seconds,
        sessions=tuple(map(int, given.sessions.split(","))),
        peers=tuple(given.peers.split(",")),
        entrances=tuple(given.entrances.split(",")),
    )
