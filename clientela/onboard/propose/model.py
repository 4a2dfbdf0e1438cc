"""What a proposal is made of: a table guessed to be an entity, its fields with the evidence, and the sources these make up."""

from dataclasses import dataclass, field
from typing import Any

from clientela.contracts import ENTITIES
from clientela.onboard.propose.profile import TableProfile


@dataclass
class FieldGuess:
    """What a field is mapped to, as it stands in the configuration, and why."""

    mapping: Any
    column: str | None
    score: float
    evidence: list[str] = field(default_factory=list)
    runner_up: str | None = None


@dataclass
class TableGuess:
    """One table as an entity."""

    table: TableProfile
    entity: str
    score: float
    runner_up: str | None
    key: list[str] = field(default_factory=list)
    key_evidence: str = ""
    fields: dict[str, FieldGuess] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    #: referenced entity → the guess whose keys its values are
    refers_to: dict[str, "TableGuess"] = field(default_factory=dict)

    #: why it is told and not taken
    left_out: str = ""
    #: settings beside the mapping, such as `where`, each with the reason
    settings: dict[str, tuple[Any, str]] = field(default_factory=dict)
    #: another feed of the source has the heads of its orders, with their time
    has_heads: bool = False
    #: its key is an e-mail address
    has_personal_key: bool = False
    #: the feed's own name, where the source has another feed of this entity
    feed: str = ""

    @property
    def missing(self) -> list[str]:
        """Required fields that nothing was found for."""
        entity = ENTITIES[self.entity]
        of_head = entity.event_time if self.has_heads else None
        return [c.name for c in entity.columns if c.required and c.name not in self.fields and c.name != of_head]


@dataclass
class SourceGuess:
    """Tables of one id space and one way of writing."""

    name: str
    tables: list[TableGuess]
    settings: dict[str, Any] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
