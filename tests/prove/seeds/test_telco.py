"""A telephone company of 7,043 customers in one file: the recurring amount to the cent, the expected value by hand."""

from pathlib import Path

import pytest

from tests.conftest import Company
from tests.integration.telco_fixture import write_telco

pytestmark = pytest.mark.prove


def test_seven_thousand_contracts_come_out_to_the_cent_and_as_a_hand_computes(tmp_path: Path) -> None:
    telco = write_telco(tmp_path, 7_043, churn=0.265)
    report = Company(telco.folder).night()
    assert report.status == "published", report.message
    ask = Company(telco.folder).published
    assert ask("select sum(monthly_recurring_amount), count(*) from customer.contracts where is_active") == [
        (telco.recurring, int((~telco.left).sum()))
    ]
    stays = (~telco.left).sum() / 7_043
    ((expected, p10, p90),) = ask(
        """
        select sum(customer_value.expected_value), any_value(company.expected_value_p10),
            any_value(company.expected_value_p90)
        from value.customer_value cross join quality.value_predictions as company
        where company.segmentation = 'company' and company.horizon_months = 24
        """
    )
    assert expected == pytest.approx(telco.expected(stays), rel=0.02), (
        "whatever model: all have the same chance to stay"
    )
    assert p10 < telco.expected(stays) < p90
