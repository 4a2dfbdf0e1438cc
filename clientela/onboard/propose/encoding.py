"""Which encoding a text file has that nobody has described."""


def guessed_encoding(start: bytes) -> str | None:
    """The encoding of a text that begins so; None where it is UTF-8, as is assumed."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        start[: start.rfind(b"\n") + 1 or len(start)].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return None
