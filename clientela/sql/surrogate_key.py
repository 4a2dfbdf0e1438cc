"""Ids made of keys: the same number for the same key, in Python's SQL as in dbt's macro."""


def surrogate_key(*parts: str) -> str:
    """First 63 bits of md5 over the parts joined by |, null if any part is null; dbt has the same as a macro."""
    joined = " || '|' || ".join(parts)
    return f"cast(cast('0x' || substr(md5({joined}), 1, 16) as ubigint) >> 1 as bigint)"
