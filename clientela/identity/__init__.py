"""Identity: one customer behind many records.

`resolve` is the pure face: records, what was remembered and the settings go in; who is who, why, and what to remember
come out, all as polars frames. The night keeps the evidence between runs in a `Store` (see there) and calls the same
steps. Nothing here prints, or knows a scheduler.

    normalise → evidence → exact_rules, pair_weights → links → vetoes, cluster → registry → households
    explain, measure and preview read what those gave

Names are imported when they are first asked for: a company whose records need no matching never loads what matches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clientela.identity.model import Model
    from clientela.identity.resolution import Resolution, resolve, train_model
    from clientela.identity.settings import ExactRule, IdentitySettings

__all__ = ["ExactRule", "IdentitySettings", "Model", "Resolution", "resolve", "train_model"]

_HOMES = {
    "ExactRule": "settings",
    "IdentitySettings": "settings",
    "Model": "model",
    "Resolution": "resolution",
    "resolve": "resolution",
    "train_model": "resolution",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
