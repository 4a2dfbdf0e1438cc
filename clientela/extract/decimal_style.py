"""Numbers in text: with a decimal point or a decimal comma, and separators of thousands."""


def number(expression: str, decimal_style: str, target: str) -> str:
    """A number in text; separators of thousands only where they stand between groups of three digits."""
    if target == "bigint":
        digits = f"regexp_full_match({expression}, '[+-]?[0-9]+')"
        return f"case when {digits} then try_cast({expression} as bigint) end"
    if decimal_style == "point":
        grouped = f"regexp_full_match({expression}, '[+-]?[0-9]{{1,3}}(,[0-9]{{3}})+([.][0-9]*)?')"
        # DuckDB takes 1_000 for a number
        plain = f"case when not contains({expression}, '_') then try_cast({expression} as {target}) end"
        return f"coalesce({plain}, case when {grouped} then try_cast(replace({expression}, ',', '') as {target}) end)"
    shaped = f"regexp_full_match({expression}, '[+-]?([0-9]{{1,3}}([.][0-9]{{3}})+|[0-9]*)(,[0-9]*)?')"
    bare = f"replace(replace({expression}, '.', ''), ',', '.')"
    return f"case when {shaped} then try_cast({bare} as {target}) end"
