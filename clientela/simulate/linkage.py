"""How hard the company's people are to tell apart: exact linking and plain Splink against the truth.

These are the marks that `clientela.identity` is measured by, so nothing of it is used here: a short normalisation, Splink's
own comparisons, and every threshold tried.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from clientela.simulate.streams import Ints
from clientela.simulate.words import plain

#: a value that more records share than this is a placeholder, not a person's
_PLACEHOLDER = 12
_KEYS = ("email", "phone", "tax_id")


@dataclass(frozen=True)
class Score:
    """Pairwise figures of one way of linking."""

    name: str
    precision: float
    recall: float
    seconds: float
    #: match probability above which Splink links, where one was chosen
    threshold: float | None = None

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def read_records(truth: Path) -> pl.DataFrame:
    """Each record's last version as delivered, normalised a little, with its person; in order of source and key."""
    fields = pl.read_parquet(truth / "record_fields.parquet")
    people = pl.read_parquet(truth / "records.parquet", columns=["source", "record_key", "person_id"])
    frame = fields.join(people, on=["source", "record_key"], how="inner").sort("source", "record_key")
    # typed whole names: the family name stands before the comma, else after the first word
    bare = pl.col("full_name").str.replace(r"^(Sr\./Sra\.|Ms/Mr|Herr/Frau|M\./Mme|Pan/Pani) ", "")
    turned = bare.str.contains(",", literal=True)
    given = pl.when(turned).then(bare.str.extract(r", (.*)$")).otherwise(bare.str.extract(r"^(\S+) "))
    family = pl.when(turned).then(bare.str.extract(r"^(.*),")).otherwise(bare.str.extract(r"(?:^\S+ )?(.+)$"))
    return frame.with_columns(
        given=_plain(pl.coalesce("given_name", given)),
        family=_plain(pl.coalesce("family_name", family)),
        street=_plain(pl.col("street")),
        email=pl.col("email").str.to_lowercase().str.strip_chars(),
        phone=pl.col("phone").str.replace_all(r"\D", "").str.tail(9),
        tax_id=pl.col("tax_id").str.to_uppercase().str.replace_all(r"\W", ""),
    ).with_row_index("row")


def _plain(column: pl.Expr) -> pl.Expr:
    return column.map_elements(plain, return_dtype=pl.String).str.to_lowercase()


def true_pairs(records: pl.DataFrame) -> int:
    """How many pairs of records are of one person."""
    size = records.group_by("person_id").len()["len"].cast(pl.Int64)
    return int((size * (size - 1) // 2).sum())


def score_clusters(records: pl.DataFrame, cluster: Ints) -> tuple[float, float]:
    """(precision, recall) of a clustering, over pairs of records."""
    frame = pl.DataFrame({"cluster": cluster, "person": records["person_id"]})

    def pairs(*columns: str) -> int:
        size = frame.group_by(columns).len()["len"].cast(pl.Int64)
        return int((size * (size - 1) // 2).sum())

    linked, right, true = pairs("cluster"), pairs("cluster", "person"), pairs("person")
    return right / linked if linked else 1.0, right / true if true else 1.0


def exact_scores(records: pl.DataFrame) -> list[Score]:
    """Linking on an equal e-mail, phone or tax id: pair by pair, and in clusters without the commonest values."""
    began = perf_counter()
    left, right, shared = _exact_pairs(records)
    person = records["person_id"].to_numpy()
    is_right = int((person[left] == person[right]).sum())
    pairwise = Score(
        "exact e-mail, phone or tax id",
        is_right / max(len(left), 1),
        is_right / max(true_pairs(records), 1),
        perf_counter() - began,
    )
    rare = shared <= _PLACEHOLDER
    cluster = components(records.height, left[rare], right[rare])
    precision, recall = score_clusters(records, cluster)
    return [pairwise, Score("the same in clusters, without common values", precision, recall, perf_counter() - began)]


def _exact_pairs(records: pl.DataFrame) -> tuple[Ints, Ints, Ints]:
    """(left, right, how many records share the rarest common value), each pair once."""
    parts = []
    for key in _KEYS:
        held = (
            records.select("row", pl.col(key).alias("value")).drop_nulls().with_columns(shared=pl.len().over("value"))
        )
        # a value that very many share would give more pairs than anyone could look at
        held = held.filter((pl.col("shared") > 1) & (pl.col("shared") <= 5_000))
        parts.append(
            held.join(held.select("row", "value"), on="value", suffix="_right").filter(pl.col("row") < pl.col("row_right"))
            .select("row", "row_right", "shared")
        )  # fmt: skip
    pairs = pl.concat(parts).group_by("row", "row_right").agg(pl.col("shared").min()).sort("row", "row_right")
    left, right, shared = (pairs[name].cast(pl.Int64).to_numpy() for name in ("row", "row_right", "shared"))
    return left, right, shared


def components(n: int, left: Ints, right: Ints) -> Ints:
    """The cluster of each of `n` records when these pairs are linked."""
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def splink_score(records: pl.DataFrame, seed: int = 1) -> Score:
    """Splink with sensible settings, trained without labels, at the threshold that gives the best F1 against the truth."""
    from splink.internals.exceptions import EMTrainingException

    logging.getLogger("splink").setLevel(logging.ERROR)
    began = perf_counter()
    try:
        pairs = _splink_pairs(records, seed)
    except (EMTrainingException, ValueError):
        untold = float("nan")
        return Score("plain Splink: too few records to train it", untold, untold, perf_counter() - began)
    best = Score("plain Splink at its best threshold", 0.0, 0.0, 0.0)
    left, right = pairs["row_l"].cast(pl.Int64).to_numpy(), pairs["row_r"].cast(pl.Int64).to_numpy()
    weight, probability = pairs["match_weight"].to_numpy(), pairs["match_probability"].to_numpy()
    for threshold in np.arange(-2.0, 24.0, 1.0):
        linked = weight >= threshold
        precision, recall = score_clusters(records, components(records.height, left[linked], right[linked]))
        lowest = float(probability[linked].min()) if linked.any() else 1.0
        score = Score(best.name, precision, recall, perf_counter() - began, lowest)
        best = score if score.f1 > best.f1 else best
    return Score(best.name, best.precision, best.recall, perf_counter() - began, best.threshold)


def _splink_pairs(records: pl.DataFrame, seed: int) -> pl.DataFrame:
    import splink.comparison_library as compare
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    frame = records.select(
        "row", "given", "family", "email", "phone", "tax_id", "birth_date", "street", "postal_code"
    ).to_arrow()
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="row",
        comparisons=[
            compare.NameComparison("given"),
            compare.NameComparison("family"),
            compare.ExactMatch("email").configure(term_frequency_adjustments=True),
            compare.ExactMatch("phone").configure(term_frequency_adjustments=True),
            compare.ExactMatch("tax_id"),
            compare.ExactMatch("birth_date"),
            compare.JaroWinklerAtThresholds("street", [0.92]),
            compare.ExactMatch("postal_code"),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("email"), block_on("phone"), block_on("tax_id"), block_on("family", "given"),
            block_on("birth_date", "substr(family, 1, 2)"), block_on("postal_code", "substr(family, 1, 3)"),
            block_on("substr(family, 1, 5)", "substr(given, 1, 3)"),
        ],
    )  # fmt: skip
    api = DuckDBAPI()
    linker: Any = Linker(api.register(frame), settings)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("splink"):
            logging.getLogger(name).setLevel(logging.ERROR)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("tax_id"), block_on("email", "family"), block_on("phone", "given")], recall=0.6
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1_000_000, seed=seed)
    for rule in (block_on("family", "given"), block_on("email"), block_on("phone")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    found = linker.inference.predict(threshold_match_weight=-2)
    table = found.as_duckdbpyrelation().to_arrow_table()
    pairs = pl.DataFrame(table)
    return pairs.select("row_l", "row_r", "match_weight", "match_probability")


def report(folder: Path) -> list[Score]:
    """The scores of a company that `write_company` wrote: exact linking, the same in clusters, plain Splink."""
    records = read_records(folder / "truth")
    return [*exact_scores(records), splink_score(records)]
