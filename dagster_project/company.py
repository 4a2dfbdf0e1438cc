"""Which company this process works for. Light on purpose: `dev` asks it before Dagster is imported."""

import os
from pathlib import Path

from clientela.config import CONFIG_VARIABLE, Config, load_config
from clientela.transform import PROJECT

#: what is shown to someone who has not configured anything yet
EXAMPLE = PROJECT / "examples" / "complete_journey" / "clientela.yml"


def chosen_company(path: Path | str | None = None) -> Config:
    """The configuration at `path`, else the one that CLIENTELA_CONFIG names, else the example. Raises ConfigError."""
    return load_config(path or os.environ.get(CONFIG_VARIABLE) or EXAMPLE)
