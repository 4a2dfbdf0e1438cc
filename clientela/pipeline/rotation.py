"""`clientela rotate-secret`: another secret masks values, and another key hashes evidence; every customer keeps their id.

The new secret lies beside the old one before the warehouse knows of it. One transaction takes its check value, the new key of
evidence, and the names in models hashed by it; then the file takes the old one's name. Broken off anywhere, the next command
that opens the warehouse ends it or drops it: `clientela.warehouse.keys` decides by the check value.
"""

import secrets
from dataclasses import dataclass, replace

import duckdb

from clientela import durable, file_modes, stopping
from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.identity.model import TERM_FREQUENCY_FIELDS, Model, hashed
from clientela.masking import NEXT_SECRET_FILE, SECRET_FILE, check_value, evidence_key, read_secret
from clientela.pipeline.leftovers import remove_leftovers
from clientela.warehouse import audit, keys, ledger_copy, memory, tables
from clientela.warehouse.faults import explained
from clientela.warehouse.lock import hold_lock
from clientela.warehouse.schema_version import require_present
from clientela.warehouse.transactions import transaction


@dataclass(frozen=True)
class Rotated:
    """`was_lost`: there was no secret to be replaced."""

    was_lost: bool

    @property
    def sentence(self) -> str:
        return (
            f"{'There was no secret; a new one is made' if self.was_lost else 'The secret is another now'}. Customers keep their "
            "ids. From the next publication on masked values are others, and joins by them with older extracts end; `clientela "
            "run` publishes. Versions, past days and validation reports from before bear the old masks: remove them if the old "
            "secret was known to somebody."
        )


def rotate_secret(config: Config) -> Rotated:
    """Put a new secret in the place of the old one, or of a lost one. Whatever it raises, the old one is as it was.

    Raises RunningError while a run is under way, and ClientelaError for a company without a warehouse and for a secret that is
    there and is not the warehouse's own.
    """
    if not config.warehouse.is_file():
        raise ClientelaError(f"{config.company} has no warehouse yet, so there is nothing that a secret was used for.")
    with file_modes.closed(config), hold_lock(config.data, "Rotation"):
        remove_leftovers(config)
        try:
            limits = config.limits
            connection = tables.connect(config.warehouse, memory_limit=limits.duckdb_memory, threads=limits.threads)
            with connection, stopping.interrupting(connection.interrupt):
                require_present(connection, config.warehouse, config.memory)
                tables.prepare(connection)
                keys.settle_rotation(connection, config.data)
                was_lost = not (config.data / SECRET_FILE).exists()
                if not was_lost:
                    keys.keep_keys(connection, config.data)
                _rotate(connection, config)
                memory.export(connection, config.memory)
                ledger_copy.export(connection, config.memory)
        except (duckdb.Error, OSError) as error:
            raise explained(error, config) from error
    return Rotated(was_lost)


def _rotate(connection: duckdb.DuckDBPyConnection, config: Config) -> None:
    secret = secrets.token_hex(32)
    durable.write(config.data / NEXT_SECRET_FILE, secret.encode())
    held = connection.execute("select key from memory.keys where name = ?", [keys.EVIDENCE]).fetchall()
    new_key = evidence_key(secret)
    with stopping.deferred():
        with transaction(connection):
            connection.execute("delete from ledger.secret")
            connection.execute("insert into ledger.secret values (?, now())", [check_value(secret)])
            if held:
                connection.execute("update memory.keys set key = ? where name = ?", [new_key, keys.EVIDENCE])
                _rehash_models(connection, held[0][0], new_key)
            connection.execute("update run.identity set evidence_key = ?", [new_key])
            # masked by the old secret
            connection.execute("update ledger.load_checks set examples = null where examples is not null")
            # nothing that was published or built is to be built upon
            connection.execute("delete from run.built_state")
            audit.take_in(connection, config.data)
            audit.record(connection, config, "rotate-secret")
        keys.settle_rotation(connection, config.data)
    read_secret(config.data)


def _rehash_models(connection: duckdb.DuckDBPyConnection, old_key: str, new_key: str) -> None:
    """Names in models are hashed by the new key: those that the records still bear; of others nothing can be weighed."""
    models = connection.execute("select model_id, model from memory.identity_models").fetchall()
    if not models:
        return
    names: dict[str, set[str]] = {field: set() for field in TERM_FREQUENCY_FIELDS}
    for given, family in connection.execute("select distinct given, family from identity.nodes").fetchall():
        if given:
            names["given"].add(given)
        if family:
            names["family"].add(family)
            names["family_first"].add(family.split(" ")[0])
    for model_id, text in models:
        model = Model.from_json(text)
        frequencies = {}
        for field, shares in model.term_frequencies.items():
            known = sorted(names.get(field, ()))
            pairs = zip(hashed(known, old_key), hashed(known, new_key), strict=True)
            frequencies[field] = {new: shares[old] for old, new in pairs if old in shares}
        changed = replace(model, term_frequencies=frequencies)
        connection.execute(
            "update memory.identity_models set model_id = ?, model = ? where model_id = ?",
            [changed.id, changed.to_json(), model_id],
        )
