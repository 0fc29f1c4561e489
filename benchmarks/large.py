"""Goal: with messages of 50 KB SMTPeter delivers at least twice what the faster of Postfix and Haraka does."""

from benchmarks.arguments import choose
from benchmarks.contest import Load, contest, runway

SIZE = 51_200


def main() -> None:
    """Measure."""
    choice = choose(__doc__, sessions="10,50")
    with runway(choice.peers) as course:
        loads = [Load(sessions=sessions, size=SIZE, seconds=choice.seconds) for sessions in choice.sessions]
        contest(course, loads, choice.rounds, choice.entrances)


if __name__ == "__main__":
    main()
