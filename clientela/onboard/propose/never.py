"""What a proposal never takes: card numbers, verification values, passwords, secrets and tokens, whatever they would be good for.

A column is known by its name or by its values. Its values are shown nowhere, so that they reach neither a configuration nor a
warehouse.
"""

import re
from collections.abc import Collection

from clientela.onboard.propose.names import normalised

#: parts of a name → what such a column holds; a name must have all parts of one line
_NAMED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("password",), "passwords"),
    (("passwd",), "passwords"),
    (("pwd",), "passwords"),
    (("user", "pass"), "passwords"),
    (("passphrase",), "passwords"),
    (("passhash",), "passwords"),
    (("pass", "hash"), "passwords"),
    (("pw", "hash"), "passwords"),
    (("contrasena",), "passwords"),
    (("passwort",), "passwords"),
    (("kennwort",), "passwords"),
    (("senha",), "passwords"),
    (("mot", "de", "passe"), "passwords"),
    (("secret",), "secrets"),
    (("token",), "tokens"),
    (("api", "key"), "secrets"),
    (("apikey",), "secrets"),
    (("access", "key"), "secrets"),
    (("private", "key"), "secrets"),
    (("secure", "key"), "secrets"),
    (("security", "key"), "secrets"),
    (("auth", "key"), "secrets"),
    (("auth", "hash"), "secrets"),
    (("reset", "key"), "secrets"),
    (("login", "key"), "secrets"),
    (("webservice", "key"), "secrets"),
    (("encryption", "key"), "secrets"),
    (("signing", "key"), "secrets"),
    (("ssh", "key"), "secrets"),
    (("hmac",), "secrets"),
    (("consumer", "key"), "secrets"),
    (("activation", "key"), "secrets"),
    (("session", "key"), "secrets"),
    (("multipass", "identifier"), "secrets"),
    (("salt",), "secrets"),
    (("otp",), "secrets"),
    (("pin",), "secrets"),
    (("cvv",), "verification values of cards"),
    (("cvv2",), "verification values of cards"),
    (("cvc",), "verification values of cards"),
    (("csc",), "verification values of cards"),
    (("verification", "value"), "verification values of cards"),
    (("security", "code"), "verification values of cards"),
    (("credit", "card", "number"), "card numbers"),
    (("debit", "card", "number"), "card numbers"),
    (("cc", "number"), "card numbers"),
    (("numero", "tarjeta", "credito"), "card numbers"),
    (("iban",), "bank accounts"),
    (("bank", "account"), "bank accounts"),
    (("cuenta", "bancaria"), "bank accounts"),
)
#: what the values of a secret look like: hashes of passwords, signed tokens, keys of known services
_SECRET = re.compile(
    r"\$(2[aby]|P|H|argon2\w*|5|6|pbkdf2\S*)\$.{8,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(sk|rk)_(live|test)_\w{8,}|shp(at|ss|ca)_\w{16,}"
)
_CARD = re.compile(r"[2-6](?:[ -]?\d){12,18}")
#: share of the values that must look so
_MOSTLY = 0.9


def never_taken(name: str, values: Collection[str]) -> str | None:
    """What the column holds, if it is nothing that a customer warehouse may have; None if it may be taken."""
    parts = normalised(name).split("_")
    for wanted, what in _NAMED:
        if set(wanted) <= {*parts, *(part.removesuffix("s") for part in parts)}:
            return what
    if not values:
        return None
    if sum(is_card_number(value) for value in values) >= _MOSTLY * len(values):
        return "card numbers"
    if sum(bool(_SECRET.fullmatch(value)) for value in values) >= _MOSTLY * len(values):
        return "secrets"
    return None


def is_card_number(text: str) -> bool:
    """Thirteen to nineteen digits whose last one is Luhn's check digit (ISO/IEC 7812), perhaps parted by spaces or dashes."""
    if not _CARD.fullmatch(text):
        return False
    total = 0
    for place, digit in enumerate(int(c) for c in reversed(text) if c.isdigit()):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
