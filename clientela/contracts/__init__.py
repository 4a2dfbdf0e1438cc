"""The contract: every entity the warehouse knows, typed, keyed and described in one place."""

from clientela.contracts.contract import CONTRACT_VERSION, META_COLUMNS, SQL_TYPES, Column, Entity
from clientela.contracts.entities import COMPANY_ENTITIES
from clientela.contracts.reference import REFERENCE_TABLES

ENTITIES: dict[str, Entity] = {entity.name: entity for entity in (*COMPANY_ENTITIES, *REFERENCE_TABLES)}

__all__ = ["COMPANY_ENTITIES", "CONTRACT_VERSION", "ENTITIES", "META_COLUMNS", "SQL_TYPES", "Column", "Entity"]
