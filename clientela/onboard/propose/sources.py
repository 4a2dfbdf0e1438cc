"""Which guessed tables are one source: those of one id space and one way of writing numbers and days."""

import re

from clientela.contracts import ENTITIES
from clientela.onboard.propose.model import SourceGuess, TableGuess
from clientela.onboard.propose.names import normalised
from clientela.onboard.propose.spelling import named


def sources_of(guesses: list[TableGuess], name: str) -> list[SourceGuess]:
    """Tables whose customers' ids are those of one table make one source; a second table of an entity needs its own."""
    groups: list[list[TableGuess]] = []
    homes = [g for g in guesses if g.entity == "customers"]
    for home in homes:
        groups.append([home, *(g for g in guesses if g.refers_to.get("customers") is home)])
    placed = {id(g) for group in groups for g in group}
    for guess in [g for g in guesses if id(g) not in placed]:
        users = [group for group in groups if any(g.refers_to.get(guess.entity) is guess for g in group)]
        same_folder = [group for group in groups if any(g.table.folder == guess.table.folder for g in group)]
        home_group = (users or (same_folder if len(same_folder) == 1 else []) or [None])[0]  # type: ignore[list-item]
        if home_group is None:
            groups.append([guess])
        else:
            home_group.append(guess)
    parted: list[list[TableGuess]] = []
    for group in groups:
        kept: dict[str, TableGuess] = {}
        extra: list[TableGuess] = []
        for guess in sorted(group, key=lambda g: -g.score):
            if guess.feed:
                kept[guess.feed] = guess
            elif guess.entity in kept:
                extra.append(guess)
            else:
                kept[guess.entity] = guess
        parted.append(list(kept.values()))
        parted += [[guess] for guess in extra]
    sources: list[SourceGuess] = []
    order = list(ENTITIES)
    for group in sorted(parted, key=len, reverse=True):
        group.sort(key=lambda g: (order.index(g.entity), bool(g.feed)))
        sources.append(SourceGuess(_source_name(group, parted, name, [s.name for s in sources]), group))
    for source in sources:
        _settle_source(source, sources)
    return sources


def _source_name(group: list[TableGuess], groups: list[list[TableGuess]], name: str, taken: list[str]) -> str:
    folders = {g.table.folder for g in group}
    is_own_folder = len(folders) == 1 and not any(
        g.table.folder in folders for other in groups if other is not group for g in other
    )
    if is_own_folder:
        wanted = next(iter(folders)).name if len(groups) > 1 else name
    else:
        wanted = next((g for g in group if g.entity == "transactions" and not g.feed), group[0]).table.name
    plain = re.sub(r"^[^a-z]+", "", normalised(wanted)) or "source"
    plain = "company" if plain == "reference" else plain
    return plain if plain not in taken else f"{plain}_{len(taken) + 1}"


def _settle_source(source: SourceGuess, sources: list[SourceGuess]) -> None:
    """How the source writes numbers and dates, and whose ids it uses."""
    comma = point = 0
    by_type: dict[str, list[tuple[str | None, bool]]] = {"date": [], "timestamp": []}
    for guess in source.tables:
        for profile in guess.table.columns.values():
            if profile.sql_type == "VARCHAR" and profile.is_mostly("number", 0.7):
                comma += round(profile.shapes["comma"] * profile.given)
                point += round(profile.shapes["point"] * profile.given)
        for name, found in guess.fields.items():
            kind = ENTITIES[guess.entity][name].type
            if kind in by_type and isinstance(found.mapping, str):
                column = guess.table.columns[found.mapping]
                if column.format or column.is_iso:
                    by_type[kind].append((column.format, column.is_ambiguous))
    if comma > point:
        source.settings["decimal_style"] = "comma"
        source.comments["decimal_style"] = (
            f"{comma:,} numbers such as 1.234,50 in the sample, {point:,} such as 1,234.50"
        )
    for kind, key in (("timestamp", "datetime_format"), ("date", "date_format")):
        formats = [stated for stated, _ in by_type[kind]]
        if not any(formats):
            continue
        # ISO, which needs no setting, where it is as frequent
        chosen = max(set(formats), key=lambda stated: (formats.count(stated), stated is None, stated or ""))
        _mend_formats(source, kind, chosen)
        if chosen is None:
            continue
        source.settings[key] = chosen
        if kind == "timestamp" and "%H" not in chosen:
            source.comments[key] = "days without a time of day: they count as days of the company's calendar"
        if all(is_ambiguous for stated, is_ambiguous in by_type[kind] if stated == chosen):
            source.comments[key] = "CHECK: in the sample day and month could be the other way round"
    if any(guess.has_personal_key for guess in source.tables):
        source.settings["personal_keys"] = True
        source.comments["personal_keys"] = "its customers are known by an e-mail address: hashed on the way in"
    for guess in source.tables:
        for entity, other in guess.refers_to.items():
            home = next(s for s in sources if any(other is g for g in s.tables))
            if home is not source:
                source.settings.setdefault("ids_from", {})[entity] = home.name


def _mend_formats(source: SourceGuess, kind: str, chosen: str | None) -> None:
    """A column in another format than the source's is read by an expression of its own."""
    for guess in source.tables:
        for name, found in guess.fields.items():
            if ENTITIES[guess.entity][name].type != kind or not isinstance(found.mapping, str):
                continue
            profile = guess.table.columns[found.mapping]
            if profile.sql_type != "VARCHAR" or profile.format == chosen or not (profile.format or profile.is_iso):
                continue
            column = named(found.mapping)
            if profile.format is None:
                target = "date" if kind == "date" or not profile.has_time else "timestamp"
                zoned = "timestamptz" if target == "timestamp" and profile.is_mostly("zoned", 0.5) else target
                text = f"regexp_replace({column}, ' ([+-])', '\\1')" if zoned == "timestamptz" else column
                found.mapping = {"sql": f"try_cast({text} as {zoned})"}
            else:
                target = "timestamp" if "%H" in profile.format and kind == "timestamp" else "date"
                found.mapping = {"sql": f"cast(try_strptime({column}, '{profile.format}') as {target})"}
            found.evidence.append("written otherwise than the source's other dates")
