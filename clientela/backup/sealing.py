"""Encryption of a backup: AES-256 in Galois counter mode, under a key of its own that a passphrase or a key file opens.

The ciphers and scrypt are those of the library `cryptography`. A passphrase is taken from a file, the environment or a prompt,
never from the command line, where others could see it.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from clientela.errors import ClientelaError, ConfigError

PASSPHRASE_VARIABLE = "CLIENTELA_BACKUP_PASSPHRASE"
_NONCE = 12
#: cost of scrypt: 128 MB and half a second; a folder may ask for no more than sixteen times of it
_N, _R, _P = 2**17, 8, 1
_HIGHEST_N = 2**21


@dataclass(frozen=True)
class Opener:
    """What opens an encrypted backup: a passphrase, or the bytes of a key file."""

    passphrase: str | None = None
    key: bytes | None = None


class Sealing:
    """How pieces are named and kept: as they are, or encrypted where a key is given."""

    def __init__(self, key: bytes | None = None) -> None:
        self._cipher = AESGCM(_of(key, b"pieces")) if key else None
        self._naming = _of(key, b"names") if key else None

    @property
    def is_encrypting(self) -> bool:
        return self._cipher is not None

    def name_of(self, content: bytes) -> str:
        """The name of a piece: by its content, so that nothing is kept twice; encrypted, it tells nothing of the content."""
        if self._naming is None:
            return hashlib.sha256(content).hexdigest()
        return hmac.new(self._naming, content, "sha256").hexdigest()

    def seal(self, name: str, content: bytes) -> bytes:
        """The content as it is kept under that name, and under no other."""
        if self._cipher is None:
            return content
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, content, name.encode())

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """The content again. Raises ClientelaError if it was changed, or kept under another name."""
        if self._cipher is None:
            return sealed
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except (InvalidTag, ValueError):
            raise ClientelaError(f"The piece {name} of the backup is damaged, or was changed.") from None


def new_header(opener: Opener | None) -> tuple[dict[str, Any], Sealing]:
    """What a new folder says of its encryption, and the sealing that follows."""
    if opener is None:
        return {"cipher": "none"}, Sealing()
    key = secrets.token_bytes(32)
    header: dict[str, Any] = {"cipher": "aes-256-gcm"}
    if opener.key is not None:
        header["opened_by"] = "key file"
    else:
        header |= {"opened_by": "passphrase", "salt": secrets.token_hex(16), "n": _N, "r": _R, "p": _P}
    nonce = secrets.token_bytes(_NONCE)
    header["key"] = (nonce + AESGCM(_outer(header, opener)).encrypt(nonce, key, b"clientela backup")).hex()
    return header, Sealing(key)


def opened_header(header: dict[str, Any], opener: Opener | None) -> Sealing:
    """The sealing of a folder that is there. Raises ClientelaError for a wrong or a missing passphrase or key file."""
    if header.get("cipher") == "none":
        return Sealing()
    if header.get("cipher") != "aes-256-gcm":
        raise ClientelaError(
            f"The backup is encrypted by {header.get('cipher')!r}, which this clientela does not know."
        )
    wanted = str(header.get("opened_by"))
    if opener is None or (opener.key is None) == (wanted == "key file"):
        how = (
            "--key-file" if wanted == "key file" else f"--passphrase-file, or {PASSPHRASE_VARIABLE} in the environment"
        )
        raise ClientelaError(f"The backup is encrypted and opened by its {wanted}: give it with {how}.")
    try:
        wrapped = bytes.fromhex(header["key"])
        return Sealing(AESGCM(_outer(header, opener)).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], b"clientela backup"))
    except InvalidTag:
        raise ClientelaError(f"The {wanted} does not open this backup.") from None
    except (KeyError, ValueError, TypeError):
        raise ClientelaError("What the backup says of its encryption is damaged.") from None


def read_key_file(path: Path) -> bytes:
    """The key in a file of 64 hexadecimal digits. Raises ConfigError for anything else, and for a file that others may read."""
    _need_private(path)
    text = path.read_bytes().strip()
    if not re.fullmatch(rb"[0-9a-f]{64}", text):
        raise ConfigError(
            f"{path} is no key file: it must hold 64 hexadecimal digits; `openssl rand -hex 32` writes such."
        )
    return bytes.fromhex(text.decode())


def read_passphrase_file(path: Path) -> str:
    """The passphrase in a file's first line."""
    _need_private(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0].strip():
        raise ConfigError(f"{path} holds no passphrase in its first line.")
    return lines[0].strip()


def _need_private(path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    if mode & 0o077:
        raise ConfigError(f"{path} has mode {mode:04o}, so others can read it; `chmod 600` closes it.")


def _outer(header: dict[str, Any], opener: Opener) -> bytes:
    if opener.key is not None:
        return _of(opener.key, b"key file")
    n, r, p = int(header["n"]), int(header["r"]), int(header["p"])
    if not (2**14 <= n <= _HIGHEST_N and n & (n - 1) == 0 and 1 <= r <= 16 and 1 <= p <= 4):
        raise ValueError("scrypt's cost")
    kdf = Scrypt(salt=bytes.fromhex(header["salt"]), length=32, n=n, r=r, p=p)
    return kdf.derive((opener.passphrase or "").encode())


def _of(key: bytes, use: bytes) -> bytes:
    """A key for one use, which tells nothing of the others."""
    return hmac.new(key, b"clientela backup: " + use, "sha256").digest()


def opener_of(passphrase_file: Path | None, key_file: Path | None) -> Opener | None:
    """What the person gave to open a backup with; None if nothing."""
    if key_file is not None:
        return Opener(key=read_key_file(key_file))
    if passphrase_file is not None:
        return Opener(passphrase=read_passphrase_file(passphrase_file))
    if variable := os.environ.get(PASSPHRASE_VARIABLE):
        return Opener(passphrase=variable)
    return None
