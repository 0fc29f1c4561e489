"""
Has the collector of cyclic garbage look seldom.

What a message leaves behind is freed by counting references. The collector, as Python sets it, looks at all young
objects after every 700 new ones, which with thousands of messages in memory is a tenth of the processor's time, and
finds nothing.
"""

import gc

YOUNG = 20_000
"""New objects before it looks at the young: some hundred messages' worth, 5 MB."""


def look_seldom() -> None:
    """To be called once the server is built: what is there now stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
