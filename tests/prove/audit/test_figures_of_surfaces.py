"""A dozen figures of the invented company: report, notebooks, a customer's page and marts say the same."""

import os
from pathlib import Path

import pytest

from clientela.simulate import SimulateSettings, write_company
from tests.conftest import Company
from tests.integration.figures import assert_figures_agree


@pytest.mark.prove
def test_all_surfaces_say_the_same_of_the_invented_company(tmp_path: Path) -> None:
    """`CLIENTELA_SIMULATED` names a folder where it is already."""
    kept = os.environ.get("CLIENTELA_SIMULATED")
    company = Company(Path(kept or tmp_path))
    if not kept:
        write_company(SimulateSettings(customers=300), company.folder)
        assert company.night().status == "published"
    assert_figures_agree(company.config)
