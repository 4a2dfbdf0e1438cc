"""Commands that keep a company's files usable: `upgrade`, `rebuild`, `backup`, `restore`, `rotate-secret`, `audit`."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from clientela.cli.options import config_option, json_option
from clientela.cli.output import plain_console, watcher
from clientela.config.read import load_config
from clientela.wording import counted


@click.command()
@config_option
@json_option
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
def upgrade(config_path: Path, as_json: bool, dry_run: bool) -> None:
    """Bring the warehouse that an earlier version made to the present one. Every customer keeps their id.

    It works on a copy, which takes the warehouse's place in one step: if anything fails, or the machine goes down,
    everything is as it was. The files from before stay in the data folder's before_upgrade/. What can be built anew is,
    by the next run; the published file is not touched until then.

    \b
    Example:
      clientela upgrade --dry-run
      clientela upgrade
      clientela run
    """
    from clientela.pipeline.upgrade import upgrade as bring_forward

    config = load_config(config_path)
    upgraded = bring_forward(config, watcher(as_json), is_dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(asdict(upgraded), indent=2))
        return
    console = plain_console(soft_wrap=True)
    if dry_run:
        for sentence in upgraded.changes:
            console.print(f"  {sentence}")
    console.print(f"{config.company}: {upgraded.message}")


@click.command()
@config_option
@json_option
def rebuild(config_path: Path, as_json: bool) -> None:
    """Make a lost warehouse again from the kept files and the copies of memory and ledger. Every customer keeps their id.

    Each batch is loaded as it was: what the gate said, what was reloaded and unloaded is replayed, not judged anew. A run that
    finds the copies and no warehouse stops and names this command. The marts are built by the next run.

    \b
    Example:
      clientela rebuild
      clientela run
    """
    from clientela.pipeline.rebuild import rebuild as make_again

    rebuilt = make_again(load_config(config_path), watcher(as_json))
    if as_json:
        click.echo(json.dumps({**asdict(rebuilt), "message": rebuilt.sentence}, indent=2))
    else:
        click.echo(rebuilt.sentence)


def _opening(function: Callable[..., Any]) -> Callable[..., Any]:
    """What an encrypted backup is opened with; never the passphrase itself, which other users could see."""
    for option in (
        click.option("--ask-passphrase", is_flag=True, help="Ask for the passphrase of an encrypted backup."),
        click.option(
            "--key-file", type=click.Path(path_type=Path), metavar="FILE", help="A file of 64 hexadecimal digits."
        ),
        click.option(
            "--passphrase-file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="A file whose first line is the passphrase; or environment variable CLIENTELA_BACKUP_PASSPHRASE.",
        ),
    ):
        function = option(function)
    return function


def _opener(passphrase_file: Path | None, key_file: Path | None, ask: bool, *, is_new: bool) -> Any:
    from clientela.backup.sealing import Opener, opener_of

    if sum((passphrase_file is not None, key_file is not None, ask)) > 1:
        raise click.UsageError("--passphrase-file, --key-file and --ask-passphrase are three ways to open: choose one.")
    if ask:
        return Opener(passphrase=click.prompt("Passphrase", hide_input=True, confirmation_prompt=is_new))
    return opener_of(passphrase_file, key_file)


@click.command()
@config_option
@json_option
@click.option(
    "--of",
    "choice",
    type=click.Choice(["landing", "warehouse", "both"]),
    default="both",
    show_default=True,
    help="Delivered files, from which the warehouse is rebuilt, the warehouse itself, or both.",
)
@_opening
@click.option("--keep", type=click.IntRange(1), help="Backups that stay in TO; older ones go. Default: all.")
@click.option("--verify", "is_verifying", is_flag=True, help="Read back every piece, not only the new ones.")
@click.option("--list", "is_list", is_flag=True, help="Say which backups TO holds; make none.")
@click.argument("to", type=click.Path(path_type=Path))
def backup(
    config_path: Path,
    as_json: bool,
    choice: Literal["landing", "warehouse", "both"],
    passphrase_file: Path | None,
    key_file: Path | None,
    ask_passphrase: bool,
    keep: int | None,
    is_verifying: bool,
    is_list: bool,
    to: Path,
) -> None:
    """Keep in folder TO what cannot be made again: delivered files, warehouse, memory, ledger, secret, configuration.

    A second backup into the same folder costs what is new since. What was written is read back. A backup that is cut off is
    none, and `clientela restore` says so. With a passphrase or key file the first one begins an encrypted folder.

    \b
    Examples:
      clientela backup /mnt/backup/shop --keep 30
      clientela backup /mnt/backup/shop --passphrase-file /etc/clientela/passphrase
      clientela backup /mnt/backup/shop --list
    """
    from clientela.backup.make import back_up
    from clientela.backup.store import open_store

    is_new = not to.exists() and not is_list
    opener = _opener(passphrase_file, key_file, ask_passphrase, is_new=is_new)
    if is_list:
        store = open_store(to, opener)
        found = [store.listed(backup_id) for backup_id in store.ids()]
        if as_json:
            whole = [{"backup_id": b.backup_id, "company": b.company, "files": len(b.files)} for b in found]
            click.echo(json.dumps({"backups": whole, "cut_off": store.begun()}, indent=2))
            return
        for listed in found:
            click.echo(f"{listed.backup_id}  {listed.company}  {counted(len(listed.files), 'file')}")
        for backup_id in store.begun():
            click.echo(f"{backup_id}  was cut off before it was whole: it is none")
        return
    config = load_config(config_path)
    made = back_up(config, to, choice, opener, keep=keep, is_verifying=is_verifying)
    click.echo(
        json.dumps({**asdict(made), "message": made.sentence}, indent=2, default=str) if as_json else made.sentence
    )


@click.command()
@config_option
@json_option
@_opening
@click.option("--backup", "backup_id", metavar="ID", help="Which backup; default: the newest.")
@click.option(
    "--only", type=click.Choice(["secret"]), help="Bring back the secret alone, into the data folder that is there."
)
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path))
def restore(
    config_path: Path,
    as_json: bool,
    passphrase_file: Path | None,
    key_file: Path | None,
    ask_passphrase: bool,
    backup_id: str | None,
    only: str | None,
    source: Path,
) -> None:
    """Bring a company back from the backups in folder FROM, into an empty data folder, whole or not at all.

    The configuration, reference tables and own models come back where they are not there; what is there stays. Restore only
    what you made: a configuration names commands that a run calls.

    \b
    Examples:
      clientela restore /mnt/backup/shop
      clientela restore /mnt/backup/shop --only secret
    """
    from clientela.backup.restore import restore as bring_back
    from clientela.backup.restore import restore_secret

    opener = _opener(passphrase_file, key_file, ask_passphrase, is_new=False)
    if only == "secret":
        sentence = restore_secret(load_config(config_path), source, opener, backup_id)
        click.echo(json.dumps({"message": sentence}, indent=2) if as_json else sentence)
        return
    restored = bring_back(config_path, source, opener, backup_id)
    if as_json:
        click.echo(json.dumps({**asdict(restored), "message": restored.sentence}, indent=2, default=str))
        return
    click.echo(restored.sentence)
    for notice in restored.notices:
        click.echo(notice)


@click.command("rotate-secret")
@config_option
@json_option
def rotate_secret(config_path: Path, as_json: bool) -> None:
    """Put a new secret in the place of the old one, or of one that is lost. Every customer keeps their id.

    Masked values are others from the next publication on, so joins by them with earlier extracts end. The key that takes
    the place of personal record keys does not change.

    \b
    Example:
      clientela rotate-secret
      clientela run
    """
    from clientela.pipeline.rotation import rotate_secret as rotate

    rotated = rotate(load_config(config_path))
    click.echo(json.dumps({**asdict(rotated), "message": rotated.sentence}, indent=2) if as_json else rotated.sentence)


@click.command()
@config_option
@json_option
@click.option(
    "--limit", type=click.IntRange(0), default=50, show_default=True, help="The newest lines shown; 0 for all."
)
def audit(config_path: Path, as_json: bool, limit: int) -> None:
    """Show who ran, corrected, backed up, restored, exported, disclosed or forgot, and when the configuration changed.

    Of commands that do not open the warehouse the next run takes the lines in.
    """
    from clientela.pipeline.audit_log import audit_lines

    lines = audit_lines(load_config(config_path), limit)
    if as_json:
        click.echo(json.dumps(lines, indent=2, default=str))
        return
    for line in lines:
        click.echo("  ".join(str(value) for value in line.values() if value is not None))
