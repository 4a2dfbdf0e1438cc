"""The probabilistic model: Fellegi and Sunter's (1969) weights, trained without labels by Splink, then frozen.

Belongs here: training, and the versioned JSON that a model is. Does not belong here:
what is compared and how finely (`comparisons`), choosing pairs (`store`), or what a weight leads to (`cluster`).

A model is frozen with its term frequencies: rare names weigh more, and what is rare is decided at training. So a pair
weighs the same on every night until someone retrains. Names in it are keyed hashes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from clientela.identity.comparisons import comparisons, with_levels_of_today
from clientela.identity.settings import IdentitySettings

if TYPE_CHECKING:
    from splink import DuckDBAPI, Linker
    from splink.internals.blocking_rule_creator import BlockingRuleCreator

log = logging.getLogger(__name__)
MODEL_VERSION = 1
MIN_NODES_TO_TRAIN = 500
MAX_RANDOM_PAIRS = 500_000
TERM_FREQUENCY_FIELDS = ("given", "family", "family_first")
COMPARED_COLUMNS = (
    "given", "given_words", "given_initials", "given_forms", "is_given_common", "family", "family_words", "family_first", "born",
    "email", "mailbox", "phone_digits", "tax_id", "loyalty_id", "street", "postal_code", "city",
)  # fmt: skip


@dataclass(frozen=True)
class Model:
    """`parameters`: Splink's settings with m and u. `term_frequencies`: field -> keyed hash -> share of values.
    `floors`: the share of a value never seen in training. `common_from`: a given name from this share on is a name of
    its own and never somebody's misspelling. `are_homes_shared`: different first names at one home are different
    people (in nearly every company) and not one person badly written."""

    parameters: dict[str, Any]
    term_frequencies: dict[str, dict[str, float]]
    floors: dict[str, float]
    common_from: float
    node_count: int
    is_trained: bool
    are_homes_shared: bool
    version: int = MODEL_VERSION

    def to_json(self) -> str:
        return json.dumps({part.name: getattr(self, part.name) for part in fields(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Model:
        read = json.loads(text)
        if read.get("version") != MODEL_VERSION:
            raise ValueError(
                f"this identity model has version {read.get('version')}, this release reads {MODEL_VERSION}: retrain it"
            )
        read["parameters"] = with_levels_of_today(read["parameters"], read["node_count"])
        return cls(**read)

    @cached_property
    def id(self) -> str:
        """A short hash of all of it: scored pairs are reused only under the same id."""
        return hashlib.blake2b(self.to_json().encode(), digest_size=8).hexdigest()

    @property
    def fields(self) -> list[str]:
        return [comparison["output_column_name"] for comparison in self.parameters["comparisons"]]

    @property
    def prior_weight(self) -> float:
        share = self.parameters["probability_two_random_records_match"]
        return math.log2(share / (1 - share))


_COLUMN_OF = {"birth_date": "born", "phone": "phone_digits"}
_FIXED_U = {
    "birth_date": ("same",),
    "email": ("same", "same mailbox elsewhere", "misspelt"),
    "phone": ("same", "a slip"),
    "tax_id": ("same", "a slip"),
    "loyalty_id": ("same",),
    "address": ("same home", "nearly the same home"),
    "given": ("names swapped", "names swapped and misspelt"),
    "family": ("names swapped", "names swapped and misspelt"),
}
_TRAINING_BLOCKS = (
    "l.email = r.email and l.given = r.given",
    "l.born = r.born and l.given = r.given",
    "l.born = r.born and l.family = r.family",
    "l.phone_digits = r.phone_digits and l.given = r.given",
    "l.given = r.given and l.family = r.family and l.postal_code = r.postal_code",
    "l.tax_id = r.tax_id",
)
_CERTAIN = (
    "l.tax_id = r.tax_id",
    "l.email = r.email and l.given = r.given",
    "l.phone_digits = r.phone_digits and l.given = r.given and l.family = r.family",
    "l.born = r.born and l.given = r.given and l.family = r.family",
)
EXPECTED_RECALL_OF_CERTAIN_RULES = 0.7


def hashed(values: list[str], key: str) -> list[str]:
    """Keyed hashes of names: in a model no name can be read."""
    blake2b, secret = hashlib.blake2b, key.encode()[:64]
    return [blake2b(value.encode(), key=secret, digest_size=8).hexdigest() for value in values]


def with_common_names(nodes: pl.DataFrame, model: Model, key: str) -> pl.DataFrame:
    """Nodes with `is_given_common`: their first name is frequent enough to be nobody's misspelling."""
    shares = _shares(nodes["given"].drop_nulls().unique(), "given", model, key)
    common = shares.select("given", (pl.col("tf_given") >= model.common_from).alias("is_given_common"))
    return nodes.join(common, on="given", how="left", maintain_order="left")


def frequencies_among(nodes: pl.DataFrame, model: Model, key: str) -> dict[str, pl.DataFrame]:
    """Field -> (field, tf_field): the frozen frequency of each value that two of the nodes could agree on."""
    often = {
        field: nodes[field].drop_nulls().value_counts().filter(pl.col("count") > 1) for field in TERM_FREQUENCY_FIELDS
    }
    return {field: _shares(values[field], field, model, key) for field, values in often.items()}


def _shares(values: pl.Series, field: str, model: Model, key: str) -> pl.DataFrame:
    known, floor = model.term_frequencies.get(field, {}), model.floors.get(field, 1e-6)
    shares = [known.get(name, floor) for name in hashed(values.to_list(), key)]
    return pl.DataFrame({field: values, f"tf_{field}": pl.Series(shares, dtype=pl.Float64)})


@contextmanager
def splink_api(settings: IdentitySettings) -> Iterator[DuckDBAPI]:
    """Splink on a DuckDB of its own, in memory, that spills when it must and leaves nothing behind."""
    from splink import DuckDBAPI

    # it warns of every level that a file does not show; such levels keep their default here
    logging.getLogger("splink").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="clientela_identity_") as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": settings.memory_limit,
            "threads": settings.threads,
            "temp_directory": settings.temp_directory or scratch,
        }
        with duckdb.connect(":memory:", config=config) as connection:
            yield DuckDBAPI(connection=connection)


def new_linker(api: DuckDBAPI, nodes: pl.DataFrame, parameters: dict[str, Any]) -> Linker:
    """Splink on these nodes with these settings, silent."""
    from splink import Linker

    learnt = json.dumps(parameters)
    columns = ["node", *(name for name in COMPARED_COLUMNS if f"{name}_l" in learnt)]
    return Linker(api.register(nodes.select(columns).to_arrow()), parameters, log_level=None)


def default_model(nodes: pl.DataFrame, key: str = "") -> Model:
    """A model from general experience, with the frequencies of these nodes: for files too small to learn from."""
    frequencies: dict[str, dict[str, float]] = {}
    floors: dict[str, float] = {}
    for field in TERM_FREQUENCY_FIELDS:
        counts = nodes[field].drop_nulls().value_counts()
        total = max(int(counts["count"].sum()), 1000)
        floors[field] = 1.0 / total
        often = counts.filter(pl.col("count") > 1)
        shares = (count / total for count in often["count"].to_list())
        frequencies[field] = dict(zip(hashed(often[field].to_list(), key), shares, strict=True))
    days = _birth_days(nodes["born"].str.to_date("%Y%m%d", strict=False))
    present = {
        name: nodes[_COLUMN_OF.get(name, name)].count() if name != "address" else nodes["street"].count()
        for name in ("given", "family", "birth_date", "email", "phone", "tax_id", "loyalty_id")
    }
    used = [
        comparison
        for comparison in comparisons(nodes.height, days)
        if present.get(comparison["output_column_name"], 1) > 0
    ]
    return Model(
        parameters={
            "link_type": "dedupe_only",
            "unique_id_column_name": "node",
            "probability_two_random_records_match": 0.5 / max(nodes.height, 1000),
            "comparisons": used,
            "blocking_rules_to_generate_predictions": [],
            "retain_matching_columns": False,
            "retain_intermediate_calculation_columns": True,
            "max_iterations": 15,
        },
        term_frequencies=frequencies,
        floors=floors,
        common_from=max(0.0005, 5.0 / max(nodes.height, 1)),
        node_count=nodes.height,
        is_trained=False,
        are_homes_shared=_are_homes_shared(nodes),
    )


def _birth_days(births: pl.Series) -> int:
    """On how many days people may be born: a small file shows few of the days between its oldest and its youngest."""
    known = births.drop_nulls()
    if known.is_empty():
        return 0
    low, high = (known.cast(pl.Int32).quantile(share) for share in (0.05, 0.95))
    between = 0.0 if low is None or high is None else (high - low) / 0.9
    return max(known.n_unique(), min(int(between), MAX_BIRTH_DAYS))


MAX_BIRTH_DAYS = 20_000
MIN_PAIRS_AT_HOME = 10


def _are_homes_shared(nodes: pl.DataFrame) -> bool:
    """Whether records of one home and surname with different first names mostly have different birth dates.

    Then they are a family, and surname, home and phone prove little. In a register of single people they are one
    person whose first name was badly written. Too few such pairs: a family, to be careful.
    """
    home = ["street", "postal_code", "family"]
    people = nodes.select("node", *home, "given", "born").drop_nulls().filter(pl.len().over(home).is_between(2, 12))
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        connection.register("people", people.to_arrow())
        counted = connection.sql(
            """
            select
                count(*) as pairs,
                count(*) filter (where damerau_levenshtein(l.born, r.born) > 2) as apart
            from people l join people r using (street, postal_code, family)
            where l.node < r.node and jaro_winkler_similarity(l.given, r.given) < 0.8
                and l.given[1] <> r.given[1]
            """
        ).fetchall()
    pairs, apart = counted[0]
    return bool(pairs < MIN_PAIRS_AT_HOME or apart >= 0.5 * pairs)


def train(nodes: pl.DataFrame, settings: IdentitySettings | None = None, key: str = "") -> Model:
    """Learn m and u from nodes without labels: u from seeded random pairs, m by expectation maximisation.

    Deterministic for the same nodes and seed on one machine. Below `MIN_NODES_TO_TRAIN` nodes the default model is
    returned. Levels that the data does not show keep their default.
    """
    settings = settings or IdentitySettings()
    model = default_model(nodes, key)
    if nodes.height < MIN_NODES_TO_TRAIN:
        return model
    from splink.internals.exceptions import SplinkException

    if not nodes["node"].is_sorted():
        nodes = nodes.sort("node")
    nodes = with_common_names(nodes, model, key)
    defaults = _weights_of(model.parameters)
    with splink_api(settings) as api:
        linker = new_linker(api, nodes, model.parameters)
        linker.training.estimate_u_using_random_sampling(max_pairs=MAX_RANDOM_PAIRS, seed=settings.seed, num_chunks=1)
        certain: list[str | BlockingRuleCreator] = [rule for rule in _CERTAIN if _meets(nodes, rule, 1)]
        if certain:
            linker.training.estimate_probability_two_random_records_match(certain, EXPECTED_RECALL_OF_CERTAIN_RULES)
        sampled = _repaired(linker.misc.save_model_to_json(), defaults, keep_u=_FIXED_U)
    with splink_api(settings) as api:
        linker = new_linker(api, nodes, sampled)
        for block in _TRAINING_BLOCKS:
            if not _meets(nodes, block, 50):
                continue
            try:
                linker.training.estimate_parameters_using_expectation_maximisation(
                    block, estimate_without_term_frequencies=True, max_pairs=500_000 if nodes.height > 50_000 else None
                )
            except (SplinkException, ValueError, ZeroDivisionError, duckdb.Error) as error:
                log.info("identity training skipped a pass on %s: %s", block, error)
        trained = _repaired(linker.misc.save_model_to_json(), defaults, keep_u=_FIXED_U)
    trained.pop("linker_uid", None)
    return replace(model, parameters=trained, is_trained=True)


def _meets(nodes: pl.DataFrame, block: str, least: int) -> bool:
    """Whether a block of equal columns brings so many pairs together, counted without building them; mostly a tenth tells."""
    columns = [part.split("=")[0].strip().removeprefix("l.") for part in block.split(" and ")]

    def pairs(some: pl.DataFrame) -> int:
        sizes = some.drop_nulls().group_by(columns).len()["len"].cast(pl.Int64)
        return int((sizes * (sizes - 1) // 2).sum())

    asked = nodes.select(columns)
    return pairs(asked.head(asked.height // 10)) >= least or pairs(asked) >= least


def _weights_of(parameters: dict[str, Any]) -> dict[tuple[str, str], tuple[float, float]]:
    return {
        (comparison["output_column_name"], level["label_for_charts"]): (level["m_probability"], level["u_probability"])
        for comparison in parameters["comparisons"]
        for level in comparison["comparison_levels"]
        if not level.get("is_null_level")
    }


PEOPLE_BY_INITIAL = 8.0
"""Of so many people about one has a first name that begins with a given letter."""
# What training may not unlearn, whatever odd file it meets: agreement never speaks against, plain difference never for.
_LARGEST_M_OF_DIFFERENCE = {"given": 0.06, "family": 0.25, "birth_date": 0.04, "tax_id": 0.05}


def _repaired(
    parameters: dict[str, Any],
    defaults: dict[tuple[str, str], tuple[float, float]],
    keep_u: dict[str, tuple[str, ...]],
) -> dict[str, Any]:
    repaired: dict[str, Any] = json.loads(json.dumps(parameters))
    for comparison in repaired["comparisons"]:
        field = comparison["output_column_name"]
        for level in comparison["comparison_levels"]:
            if level.get("is_null_level"):
                continue
            label = level["label_for_charts"]
            m, u = defaults[(field, label)]
            level["m_probability"] = max(_number(level.get("m_probability"), m), 1e-5)
            level["u_probability"] = max(_number(level.get("u_probability"), u), 1e-12)
            if label in keep_u.get(field, ()):
                level["u_probability"] = u
            if label == "different":
                most = _LARGEST_M_OF_DIFFERENCE.get(field, 0.9)
                level["m_probability"] = min(level["m_probability"], most, 0.95 * level["u_probability"])
            if label == "same":
                level["m_probability"] = max(level["m_probability"], 0.2)
            if label == "initial":
                # who writes an initial does so of anybody: what agreement proves is that few share the letter
                level["m_probability"] = max(level["m_probability"], PEOPLE_BY_INITIAL * level["u_probability"])
    return repaired


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else default
