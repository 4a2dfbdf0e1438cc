"""A feed: one entity of one source, with everything that its mapping needs to know. All of them are listed in `feeds`."""

from dataclasses import dataclass

from clientela.config.company import Config
from clientela.config.sources import Constant, EntityConfig, SourceConfig
from clientela.contracts import Column, Entity
from clientela.extract.casting import Style
from clientela.extract.parameters import Parameters
from clientela.extract.personal_keys import hashed_columns
from clientela.masking import KeyedHash


@dataclass(frozen=True)
class Feed:
    """One entity of one source, with everything that its mapping needs to know."""

    config: Config
    source_name: str
    source: SourceConfig
    entity: Entity
    settings: EntityConfig
    #: masks personal values wherever they would be seen
    secret: str
    #: replaces personal keys by a keyed hash; None: one of the secret
    identity_key: KeyedHash | None = None
    #: its key in the configuration, where that is not the entity's name
    feed_name: str = ""
    #: the customers whom orders or contacts describe, read from their rows
    is_of_guests: bool = False
    #: the feed whose files describe these guests, where they come as files
    guests_of: str = ""

    @property
    def name(self) -> str:
        """Its name within the source: the entity's, or the one it bears beside another feed of that entity."""
        return self.feed_name or self.entity.name

    @property
    def key_space(self) -> str:
        """What makes a record's key unique beside the key itself.

        Records that others refer to have one space per source, whichever of its feeds delivers them. Of others two feeds
        know nothing of each other's keys: refund 17 is not sale 17.
        """
        if self.is_of_guests:
            return self.id_space("customers")
        is_own = self.name != self.entity.name and not self.entity.is_referred_to
        return f"{self.source_name}.{self.name}" if is_own else self.source_name

    @property
    def is_named_by_head(self) -> bool:
        """Whether its lines leave it to the heads of their orders to name the customer."""
        heads = self.source.feeds_of("orders")
        return (
            self.entity.name == "transactions"
            and "customer_key" not in self.settings.columns
            and any("customer_key" in settings.columns for settings in heads.values())
        )

    @property
    def order_space(self) -> str:
        """What makes an order's id unique beside its key: the source, unless the feed's orders bear numbers of their own."""
        return self.key_space if self._names_what_it_returns or self._is_of_returns_alone else self.source_name

    @property
    def has_own_orders(self) -> bool:
        """Whether its orders bear numbers of their own, so that no header is theirs: returns in a feed beside the sales."""
        return self.entity.name == "transactions" and self.order_space != self.source_name

    @property
    def _names_what_it_returns(self) -> bool:
        return "return_of_order_key" in self.settings.columns

    @property
    def _is_of_returns_alone(self) -> bool:
        """Whether each row is a return that says itself whose it is and when it was, and so needs no order of the sales."""
        columns = self.settings.columns
        is_return = columns.get("is_return")
        return (
            isinstance(is_return, Constant)
            and str(is_return.value).lower() == "true"
            and "customer_key" in columns
            and "ordered_at" in columns
        )

    @property
    def where(self) -> str:
        return f"sources.{self.source_name}.entities.{self.name}"

    @property
    def style(self) -> Style:
        return Style(
            time_zone=self.source.time_zone or self.config.time_zone,
            company_zone=self.config.time_zone,
            decimal_style=self.source.decimal_style,
            date_format=self.source.date_format,
            datetime_format=self.source.datetime_format,
        )

    @property
    def currency(self) -> str:
        return self.source.currency or self.config.currency

    @property
    def has_headers(self) -> bool:
        """Whether its order lines may leave to their order's header what holds for all of them."""
        return self.entity.name == "transactions" and not self.has_own_orders and bool(self.source.feeds_of("orders"))

    def is_required(self, column: Column) -> bool:
        """Whether every row must have a value there."""
        return column.required and not (self.has_headers and column.name == self.entity.event_time)

    def id_space(self, entity_name: str) -> str:
        """The source whose ids this one uses for that entity."""
        return self.source.ids_from.get(entity_name, self.source_name)

    @property
    def hashed(self) -> frozenset[str]:
        """The columns whose values are personal keys: a keyed hash stands in for them."""
        return hashed_columns(self.config, self.source_name, self.name)

    @property
    def key_hash(self) -> KeyedHash:
        """What hashes them: the warehouse's own, once the feed is loaded into one."""
        return self.identity_key or KeyedHash.of_secret(self.secret)

    def hashed_sql(self, expression: str, parameters: Parameters) -> str:
        """The keyed hash in the key's stead, so that a personal key never enters raw."""
        return self.key_hash.sql(expression, parameters.bind)
