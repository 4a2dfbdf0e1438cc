"""What is said of delivered columns: how many they are, and a name only where it is one that the configuration means."""

import pytest

from clientela.extract.column_names import missing_column, repeated_columns, shown_names

MAPPED = ("id", "nombre", "correo", "telefono")


@pytest.mark.parametrize(
    "first_line",
    [
        ("17", "Ana Gil", "ana@example.com", "612345678"),
        ("18", "Correa", "Correos", "Ana"),
        ("Emilio", "Nombela", "Id", "Correal"),
    ],
)
def test_the_first_customer_of_a_file_without_a_header_is_not_named(first_line: tuple[str, ...]) -> None:
    for name in MAPPED:
        sentence = missing_column(name, first_line, MAPPED)
        assert "4 columns" in sentence
        assert not [cell for cell in first_line if cell.lower() not in MAPPED and cell in sentence and len(cell) > 3], (
            sentence
        )


def test_a_name_close_to_the_one_that_is_mapped_is_suggested_where_the_header_is_one() -> None:
    sentence = missing_column("correo", ("id", "nombre", "correos", "telefono"), MAPPED)
    assert (
        sentence
        == "no column 'correo'; did you mean 'correos'? It delivered 4 columns, among them 3 of the 3 others that are mapped."
    )


def test_a_file_that_has_none_of_the_mapped_columns_is_asked_for_its_header() -> None:
    assert missing_column("id", ("a", "b"), MAPPED).endswith(
        "none of those that are mapped: does it begin with a header?"
    )


def test_columns_go_by_their_place_where_they_cannot_be_names() -> None:
    columns = [
        "Importe neto (€)",
        "ventas_2025",
        "ana@example.com",
        "612 345 678",
        "TJ0088123",
        "a\nb",
        "x" * 70,
        "Nº",
        "",
    ]
    shown = shown_names(columns)
    assert shown == ("Importe neto (€)", "ventas_2025", *(f"column {n}" for n in range(3, 8)), "Nº", "column 9")


def test_columns_of_the_same_name_are_named_by_their_places() -> None:
    assert repeated_columns(["a", "Madrid", "b", "madrid", "MADRID"]) == "2, 4 and 5"
    assert repeated_columns(["a", "b"]) == ""
