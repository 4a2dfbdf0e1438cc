"""README's small example, February's files delivered on a night of their own: each night is published."""

import shutil
from datetime import timedelta

import pytest

from tests.conftest import NOW, Company
from tests.unit.test_few_rows import february_comes_later


@pytest.mark.prove
def test_the_small_example_delivered_night_by_night_is_published_each_night(small: Company) -> None:
    later = february_comes_later(small)
    days = []
    for number in (0, 1):
        report = small.night(NOW + timedelta(days=number))
        assert (report.status, report.exit_code) == ("published", 0), report.message
        days.append(report.as_of)
        for path in later.iterdir():
            shutil.move(path, small.folder / "exports" / path.name)
    # the sale in the shops of 21 February is the line that cannot be read
    assert days == ["2026-02-01", "2026-02-14"]
