"""
Claim: newsletters of 20 KB with everything on (style sheets by premailer, clicks, opens, bounces, DKIM) go out at 100
a second or more. Beside it the same with style sheets left alone, and unchanged.
"""

from benchmarks.arguments import choose
from benchmarks.contest import Load, contest, runway

SIZE = 20_480


def main() -> None:
    """Measure."""
    choice = choose(__doc__, sessions="10", entrances="features off,features on,all and CSS")
    with runway(choice.peers) as course:
        loads = [
            Load(sessions=sessions, size=SIZE, seconds=choice.seconds, is_newsletter=True)
            for sessions in choice.sessions
        ]
        contest(course, loads, choice.rounds, choice.entrances)


if __name__ == "__main__":
    main()
