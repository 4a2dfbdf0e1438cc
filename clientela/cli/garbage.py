"""How often Python looks for objects that only hold each other. A command makes some million that last as long as it does."""

import gc

#: objects made beyond those let go, before the youngest are looked through; and how many such looks before the older are
YOUNGEST, MIDDLE, OLDEST = 100_000, 20, 100


def look_seldom() -> None:
    """For the whole process: by Python's own measure, looking takes a tenth of a small night and finds next to nothing."""
    gc.set_threshold(YOUNGEST, MIDDLE, OLDEST)
