"""
Goal: with a connection, a handshake and a login for each message SMTPeter delivers at least twice what the faster of
Postfix and Haraka does.
"""

from benchmarks.arguments import choose
from benchmarks.contest import Load, contest, runway


def main() -> None:
    """Measure."""
    choice = choose(__doc__, sessions="10,50")
    with runway(choice.peers) as course:
        loads = [Load(sessions=sessions, per_connection=1, seconds=choice.seconds) for sessions in choice.sessions]
        contest(course, loads, choice.rounds, choice.entrances)


if __name__ == "__main__":
    main()
