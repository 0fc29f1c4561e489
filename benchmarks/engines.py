"""
What the CSS engines take for one document, in their own process: processor time of the first letter with a style sheet,
which is compiled, and of the next one, whose elements are others.
"""

import time

from benchmarks.contents import newsletter
from smtpeter.boundaries.prepare import InlineRequest
from smtpeter.prepare.engines import InlineEngine, make_engine
from smtpeter.prepare.numbering import NOT_NUMBERED, number_elements
from smtpeter.prepare.tokenizer import Outlined, outline

ENGINES = ("premailer", "css-inline")
CASES = ((20_480, 0), (20_480, 100), (102_400, 0), (102_400, 100), (102_400, 300))
"""Octets of HTML, and rules beside those that every newsletter has."""
_REPEATS = 7
_RULES = """
.kind{0} td.cell{0}, .product .text{0} p {{ color: #{0:06x}; margin: {0}px }}
td:nth-child({0}) > p + p {{ padding: {0}px }}"""


def document(number: int, size: int, rules: int) -> InlineRequest:
    """A numbered newsletter."""
    content = newsletter("news.example", size)(number)
    html = content[content.index(b"<!DOCTYPE") :]
    html = html.replace(b"</style>", "".join(map(_RULES.format, range(1, 1 + rules // 2))).encode() + b"</style>")
    numbered = number_elements(html, outline(html, Outlined(left_out=NOT_NUMBERED)), "utf-8")
    assert numbered is not None
    return numbered.request


def measure(engine: InlineEngine, size: int, rules: int) -> tuple[float, float]:
    """Milliseconds for the first document and, at best, for another one."""
    times = []
    for number in range(1 + _REPEATS):
        request = document(number, size, rules)
        begun = time.process_time()
        engine.inline(request)
        times.append((time.process_time() - begun) * 1000)
    return times[0], min(times[1:])


def main() -> None:
    """Print a table."""
    print(f"{'KB':>4} {'rules':>5}" + "".join(f" {name + ' first':>17} {'next':>6}" for name in ENGINES))
    for size, rules in CASES:
        found = [measure(make_engine(name), size, rules) for name in ENGINES]
        print(f"{size // 1024:4} {rules:5}" + "".join(f" {first:17.1f} {following:6.1f}" for first, following in found))


if __name__ == "__main__":
    main()
