"""What a proposal never takes, by its name or by its values."""

import sqlite3
from pathlib import Path

import pytest

from clientela.onboard.propose import propose
from clientela.onboard.propose.never import is_card_number, never_taken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4111111111111111", True),
        ("4111 1111 1111 1111", True),
        ("5500-0000-0000-0004", True),
        ("4111111111111112", False),
        ("411111111111", False),
        ("9111111111111111", False),
        ("4111111111111111x", False),
    ],
)
def test_a_card_number_is_recognised_by_its_check_digit(text: str, expected: bool) -> None:
    assert is_card_number(text) is expected


@pytest.mark.parametrize(
    ("name", "values", "what"),
    [
        ("credit_card_number", (), "card numbers"),
        ("CreditCardVerificationValue", (), "verification values of cards"),
        ("cvv2", ("123",), "verification values of cards"),
        ("user_pass", (), "passwords"),
        ("passwordHash", (), "passwords"),
        ("Contraseña", (), "passwords"),
        ("client_secret", (), "secrets"),
        ("api_key", (), "secrets"),
        ("secure_key", ("0b4c1f8d5f0a4c0db1e2a3c4d5e6f708",), "secrets"),
        ("secureKey", (), "secrets"),
        ("auth_key", (), "secrets"),
        ("reset_key", (), "secrets"),
        ("pass_hash", (), "passwords"),
        ("pw_hash", (), "passwords"),
        ("Passwort", (), "passwords"),
        ("access_tokens", (), "tokens"),
        ("IBAN", (), "bank accounts"),
        ("paid_with", ("4111111111111111", "5500000000000004"), "card numbers"),
        ("notes", ("$2y$10$abcdefghijklmnop", "$2y$10$qrstuvwxyzabcdef"), "secrets"),
        ("key", ("sk_live_abcdefgh1234",), "secrets"),
        ("loyalty_card", ("1000000001", "1000000002"), None),
        ("passenger", ("Ana",), None),
        ("email_hash", (), None),
        ("security_deposit", (), None),
        ("spin_class", ("yes",), None),
        ("customer_key", ("17",), None),
    ],
)
def test_secrets_are_known_by_name_or_values(name: str, values: tuple[str, ...], what: str | None) -> None:
    assert never_taken(name, values) == what


def test_a_proposal_neither_maps_nor_keeps_nor_shows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = sqlite3.connect(tmp_path / "shop.db")
    database.execute(
        "create table customers (customer_id integer, first_name text, last_name text, email text, card text, "
        "verification_value text, password text, city text)"
    )
    cards = ("4111111111111111", "5500000000000004", "4012888888881881")
    database.executemany(
        "insert into customers values (?, 'Ana', 'Gil', ?, ?, '123', 'hunter2', 'Leon')",
        [(n, f"a{n}@x.example", cards[n % 3]) for n in range(30)],
    )
    database.commit()
    database.close()
    monkeypatch.setenv("SHOP_DB", "sqlite:///shop.db")
    text = propose("SHOP_DB", tmp_path).text
    assert "card (card numbers)" in text and "password (passwords)" in text
    assert "verification_value (verification values of cards)" in text
    mapped = "\n".join(line.partition("#")[0] for line in text.splitlines())
    assert not {"card", "password", "verification_value"} & {word.strip(",:") for word in mapped.split()}
    assert "hunter2" not in text and "4111" not in text
