"""The timeline has a sentence for whatever may happen, in both languages, and no sentence that nothing asks for."""

import re
from pathlib import Path

import pytest

from clientela.contracts import ENTITIES
from clientela.report.catalogue import catalogue

ROOT = Path(__file__).parents[3]
CASES = ("request", "complaint", "incident", "installation", "maintenance", "repair", "warranty")
#: words for purposes that many companies have; of others their own stand
PURPOSES = ("relationship", "transactional", "marketing", "profiling", "news", "offers")


def values(entity: str, column: str) -> tuple[str, ...]:
    return ENTITIES[entity][column].values


def expected() -> set[str]:
    return {
        "order", "return", "promise", "contract_start", "contract_end", "contacted", "resolved", "won", "lost", "erasure",
        *values("interactions", "kind"),
        *values("rewards", "kind"),
        *(f"campaign_{role}" for role in values("campaign_contacts", "role")),
        *values("consents", "status"),
        *(f"{status}_in_all_channels" for status in values("consents", "status")),
        *(f"channel.{channel}" for channel in values("interactions", "channel")),
        *(f"kind.{kind}" for kind in CASES),
        *(f"purpose.{purpose}" for purpose in PURPOSES),
    }  # fmt: skip


@pytest.mark.parametrize("language", ["es", "en"])
def test_whatever_may_happen_has_a_sentence(language: str) -> None:
    texts = {
        key.removeprefix("timeline."): text for key, text in catalogue(language).items() if key.startswith("timeline.")
    }
    assert set(texts) == expected()
    places = {place for text in texts.values() for place in re.findall(r"\{(\w+)\}", text)}
    model = (ROOT / "models" / "marts" / "customer" / "customer_timeline.sql").read_text()
    assert {f"{{{place}}}" for place in places} == set(re.findall(r"'(\{\w+\})'", model))


def test_the_models_ask_for_no_other() -> None:
    """The keys that the models name in so many words; what they take from a column is the contract's."""
    asked: set[str] = set()
    for model in (ROOT / "models" / "intermediate").glob("int_timeline_of_*.sql"):
        for expression in re.findall(r"^(.*) as text_key,$", model.read_text(), re.MULTILINE):
            asked |= set(re.findall(r"(?:then|else|^\s*) ?'(\w+)'(?! \|\|)", expression))
    assert asked >= {"order", "promise", "contacted", "resolved", "erasure"}
    assert asked <= expected()
