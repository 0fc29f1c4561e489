"""
Claim: newsletters of 20 KB with everything on (style sheets, clicks, opens, bounces, DKIM) go out at 100 a second or
more with premailer, and at 400 with css-inline. Each is another document, and all have one style sheet; then the same
of one mailing, whose letters differ in names and links alone. Beside them the same with style sheets left alone, and
unchanged.
"""

from benchmarks.arguments import choose
from benchmarks.contest import Load, contest, runway
from benchmarks.peers import PREMAILER

SIZE = 20_480


def main() -> None:
    """Measure."""
    choice = choose(__doc__, sessions="10", inliners=f"{PREMAILER},css-inline")
    others = [inliner for inliner in choice.inliners if inliner != PREMAILER]
    with runway(choice.peers, [PREMAILER, *others]) as course:
        loads = [
            Load(sessions=sessions, size=SIZE, seconds=choice.seconds, kind=kind)
            for sessions in choice.sessions
            for kind in ("newsletter", "mailing")
        ]
        contest(course, loads, choice.rounds, choice.entrances)


if __name__ == "__main__":
    main()
