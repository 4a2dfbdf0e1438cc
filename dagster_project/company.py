"""Which company this process works for. Light on purpose: `dev` asks it before Dagster is imported."""

import os
from pathlib import Path

from clientela.config.company import CONFIG_VARIABLE, Config
from clientela.config.read import load_config
from clientela.project_files import example


def chosen_company(path: Path | str | None = None) -> Config:
    """The configuration at `path`, else the one that CLIENTELA_CONFIG names, else the example. Raises ConfigError.

    Installed without a checkout, clientela.yml of this folder takes the place of the example.
    """
    return load_config(path or os.environ.get(CONFIG_VARIABLE) or example("complete_journey"))
