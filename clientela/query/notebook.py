"""What every notebook begins with: marimo and altair under their usual names, and the published file.

Questions in SQL, answers as polars frames. A question opens the file, asks and closes, so that a notebook left open holds up no
publication and the next question sees the newest one. Pictures and sentences belong to the notebooks.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import altair as alt
import duckdb
import marimo as mo
import polars as pl

from clientela.config.company import CONFIG_VARIABLE, Config
from clientela.config.read import load_config
from clientela.project_files import example
from clientela.query.sql import asking_published

__all__ = ["PublishedCompany", "alt", "mo", "published"]


@dataclass(frozen=True)
class PublishedCompany:
    """One company's published file, read-only."""

    config: Config

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """The answer. Raises QueryError for a query that is wrong, ClientelaError where nothing is published."""
        with asking_published(self.config) as connection:
            answer: pl.DataFrame = connection.sql(sql, params=list(parameters)).pl()
            return answer

    @property
    def name(self) -> str:
        return self.config.company

    @property
    def currency(self) -> str:
        return self.config.currency

    @cached_property
    def as_of_on(self) -> date:
        """The last day that the figures know."""
        day: date = self.query("select as_of_on from operations.publication").item()
        return day

    @cached_property
    def marts(self) -> pl.DataFrame:
        """Every published table: its name, rows, and what it holds."""
        return self.query(
            """
            select schema_name || '.' || table_name as mart, estimated_size as rows, comment as description
            from duckdb_tables() where database_name = current_database() order by mart
            """
        )

    def has(self, mart: str) -> bool:
        """Whether that mart is published and holds a row."""
        found = self.marts.filter((pl.col("mart") == mart) & (pl.col("rows") > 0))
        return not found.is_empty()

    def heading(self, question: str) -> str:
        """How a notebook begins, in Markdown: what it asks, of whom, as of when and in which currency."""
        return f"# {question}\n\n{self.name}, as of {self.as_of_on}. Amounts in {self.currency}."

    @staticmethod
    def rounded(frame: pl.DataFrame) -> pl.DataFrame:
        """The frame as a reader wants its figures: to 2 decimals, below one, where shares are, to 3."""
        figures = pl.selectors.float() | pl.selectors.decimal()
        exact = figures.cast(pl.Float64)
        return frame.with_columns(pl.when(exact.abs() < 1).then(exact.round(3)).otherwise(exact.round(2)))

    def money(self, amount: Any) -> str:
        """An amount for a sentence, without cents."""
        return "nothing known" if amount is None else f"{float(amount):,.0f} {self.currency}"

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection of your own, read-only and without a way to other files; close it when you are done."""
        connection = duckdb.connect(str(self.config.published / "marts.duckdb"), read_only=True)
        connection.execute("set enable_external_access = false")
        return connection


def published() -> PublishedCompany:
    """The company that CLIENTELA_CONFIG names; without it, the demonstration's."""
    return PublishedCompany(load_config(os.environ.get(CONFIG_VARIABLE) or example("complete_journey")))
