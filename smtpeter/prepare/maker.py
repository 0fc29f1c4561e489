"""
The process that makes whole messages: C{python -m smtpeter.prepare.maker MEMORY_BYTES SECONDS ENGINE}.

It is confined as a CSS worker is (L{smtpeter.prepare.worker}). C{ENGINE} is C{none} for one that does without style
sheets. The first frame says with which settings and keys; each other is an order.
"""

import sys

from attrs import define, field
from twisted.logger import globalLogPublisher, textFileLogObserver

from smtpeter.prepare.compiler import CompilerSettings
from smtpeter.prepare.engines import InlineEngine
from smtpeter.prepare.frames import packed_error
from smtpeter.prepare.orders import packed_made, unpacked_order, unpacked_setup
from smtpeter.prepare.worker import warm_engine, work
from smtpeter.prepare.workshop import Workshop, make_workshop

NO_ENGINE = "none"


@define(eq=False)
class Maker:
    """Answers frames."""

    _engine: InlineEngine | None
    _workshop: Workshop | None = field(init=False, default=None)

    def answer(self, content: bytes) -> bytes | None:
        """
        The reply to a frame, as the content of one; C{None} for the first.

        A fault of ours is told in a word, and what it says stays here.
        """
        if self._workshop is None:
            settings, keys = unpacked_setup(content)
            self._workshop = make_workshop(CompilerSettings(**settings), keys, self._engine)
            return None
        try:
            return packed_made(self._workshop.make(unpacked_order(content)))
        except MemoryError:
            raise
        except Exception as reason:
            return packed_error(f"{type(reason).__name__} in a maker")


def main() -> None:
    """Work until standard input ends."""
    memory_bytes, seconds, name = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    globalLogPublisher.addObserver(textFileLogObserver(sys.stderr))
    maker = Maker(None if name == NO_ENGINE else warm_engine(name))
    work(memory_bytes, seconds, maker.answer)


if __name__ == "__main__":
    main()
