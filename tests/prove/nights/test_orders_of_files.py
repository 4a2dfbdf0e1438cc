"""The same files night by night, in either order, or all at once give the same marts."""

import pytest

from tests.conftest import MORE_SALES, Company, marts

pytestmark = pytest.mark.prove


def test_files_in_any_order_and_all_at_once_give_the_same_marts(
    shop: Company, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # each company has a secret of its own, so masked values would differ
    shop.change(lambda s: s.update(publish={"personal_data": "full"}))
    files = {"sales_1.csv": (shop.folder / "sales_1.csv").read_text(), "sales_2.csv": MORE_SALES}
    contents = []
    for order in (["sales_1.csv", "sales_2.csv"], ["sales_2.csv", "sales_1.csv"], [("sales_1.csv", "sales_2.csv")]):
        company = Company(tmp_path_factory.mktemp("company"))
        company.write("clientela.yml", shop.config_path.read_bytes())
        company.write("customers.csv", (shop.folder / "customers.csv").read_bytes())
        for night in order:
            for name in [night] if isinstance(night, str) else night:
                company.write(name, files[name])
            assert company.night().exit_code == 0
        contents.append(marts(company))
    assert contents[0] == contents[1] == contents[2]
    assert len(contents[0]["value.order_lines"]) == 6
