"""Whether a text file has a header, and where the columns of one that is parted by spaces stand."""

import re


def has_no_header(lines: list[list[str]]) -> bool:
    """Whether the first line is a record like the others: numbers and days stand where they have them."""
    if len(lines) < 2 or len(lines[0]) < 2 or any(len(line) != len(lines[0]) for line in lines[:5]):
        return False
    first, others = lines[0], lines[1:20]
    kinds = [kind_of(cell) for cell in first]
    is_alike = all(
        kinds[place] in ("empty", *{kind_of(line[place]) for line in others if place < len(line)})
        for place in range(len(first))
    )
    return is_alike and sum(kind in ("number", "day") for kind in kinds) * 2 >= len(kinds)


def kind_of(cell: str) -> str:
    """What a cell holds: nothing, a number, a day, or a text."""
    value = cell.strip().strip('"')
    if not value:
        return "empty"
    if re.fullmatch(r"[+-]?[\d.,]*\d", value):
        return "number"
    return "day" if re.fullmatch(r"\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}([ T].*)?", value) else "text"


def fixed_places(lines: list[str]) -> dict[str, list[int]] | None:
    """Where the columns of lines that are parted by spaces stand, `[start, width]`; None if they stand at no fixed places."""
    full = [line for line in lines if line.strip()]
    if len(full) < 2 or any(mark in line for line in full for mark in ",;\t|"):
        return None
    words = [line.split() for line in full]
    if (
        len({len(line) for line in words}) != 1
        or sum(all(kind_of(w) != "text" for w in c) for c in zip(*words[1:], strict=True)) < 2
    ):
        return None
    width = max(map(len, full))
    is_gap = [all(place >= len(line) or line[place] == " " for line in full) for place in range(width)]
    places: dict[str, list[int]] = {}
    begin = 0
    for place in range(1, width + 1):
        ends = place == width or (is_gap[place] and not is_gap[place - 1])
        if ends and not all(is_gap[begin:place]):
            places[f"column_{len(places) + 1}"] = [begin + 1, place - begin]
            begin = place
    return places if len(places) == len(words[0]) else None
