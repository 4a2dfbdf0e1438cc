"""Commands that keep and bring back, given what is wrong: each says what, where and what to do, and touches nothing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from clientela.cli.main import main
from clientela.pipeline import nightly
from tests.conftest import NOW, Company
from tests.unit.privacy.test_forget import load, open_privacy_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company that has been backed up behind a passphrase."""
    shop = open_privacy_shop(tmp_path_factory.mktemp("shop"))
    load(shop)
    for name, text, mode in (
        ("right", "horse", 0o600),
        ("wrong", "mule", 0o600),
        ("open", "horse", 0o644),
        ("key", "x", 0o600),
    ):
        path = shop.folder / name
        path.write_text(f"{text}\n", encoding="utf-8")
        path.chmod(mode)
    assert said(shop, "backup", "kept", "--passphrase-file", "right")[0] == 0
    return shop


def said(shop: Company, command: str, *arguments: str) -> tuple[int, str]:
    """The exit code and what was said; names of files are below the company's folder."""
    there = [
        str(shop.folder / name) if not name.startswith("-") and "." not in name[:1] else name for name in arguments
    ]
    outcome = CliRunner().invoke(main, [command, *there, "--config", str(shop.config_path)])
    return outcome.exit_code, " ".join(outcome.output.split())


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("backup", "clientela.yml"), 2, "clientela.yml is a file; name a folder for the backups."),
        (("backup", "data/backups"), 2, "lies in the data folder, and would be lost with it; name a folder elsewhere."),
        (("backup", "data"), 2, "lies in the data folder"),
        (
            ("backup", "kept"),
            4,
            "opened by its passphrase: give it with --passphrase-file, or CLIENTELA_BACKUP_PASSPHRASE",
        ),
        (("backup", "kept", "--passphrase-file", "wrong"), 4, "The passphrase does not open this backup."),
        (("backup", "kept", "--passphrase-file", "open"), 2, "others can read it; `chmod 600` closes it."),
        (("backup", "kept", "--passphrase-file", "none"), 2, "none cannot be read: No such file or directory."),
        (
            ("backup", "kept", "--key-file", "key"),
            2,
            "it must hold 64 hexadecimal digits; `openssl rand -hex 32` writes such.",
        ),
        (
            ("restore", "kept", "--passphrase-file", "right"),
            2,
            "a backup is restored into an empty data folder. Move it away",
        ),
        (("restore", "clientela.yml"), 4, "clientela.yml is no folder of backups: it holds no clientela-backup.json."),
        (("restore", "nowhere"), 4, "nowhere is no folder of backups"),
        (("restore", "data"), 4, "data is no folder of backups"),
        (("restore", "kept", "--passphrase-file", "wrong"), 4, "The passphrase does not open this backup."),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    shop: Company, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    before = sorted(path for path in shop.folder.rglob("*"))
    outcome = said(shop, *arguments)
    assert outcome[0] == code and sentence in outcome[1], outcome
    assert sorted(path for path in shop.folder.rglob("*")) == before


def test_before_the_first_night_there_is_nobody_to_forget_and_nothing_is_made(tmp_path: Path) -> None:
    shop = open_privacy_shop(tmp_path)
    code, sentence = said(shop, "forget", "--request=R-1")
    assert code == 4 and "has no warehouse yet, so nobody is known; `clientela run` makes it." in sentence
    assert not shop.config.data.exists(), "a backup could not be restored into it"


def test_a_person_who_is_not_there_is_no_night_that_failed(shop: Company) -> None:
    """Whoever asks is told; nobody is alarmed, and the status of the last night stands."""
    status, called = shop.config.published / "status.json", shop.folder / "called"
    status.unlink(missing_ok=True)
    shop.change(lambda settings: settings.update(on_failure=f"touch {called}"))
    report = nightly.forget(shop.config, request="R-404", now=NOW)
    assert report.exit_code == 4 and "has been carried out, as `clientela audit` says" in report.message
    assert not called.exists() and not status.exists()
