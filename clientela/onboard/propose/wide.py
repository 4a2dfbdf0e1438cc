"""Tables with one row a customer and more in it: the contract of a telco, the consent of a mailing tool's audience.

One file then feeds two entities. A start that is told as months of tenure is counted back from the day the file was made.
"""

from clientela.onboard.propose.column_profile import ColumnProfile
from clientela.onboard.propose.complete import translate
from clientela.onboard.propose.model import FieldGuess, TableGuess
from clientela.onboard.propose.names import has_word, nearness, normalised
from clientela.onboard.propose.profile import TableProfile
from clientela.onboard.propose.spelling import named, text

_AMOUNTS = tuple(
    "monthly_charges monthly_charge monthly_fee monthly_amount mrr cuota_mensual importe_mensual recurring_amount "
    "monthly_premium prima_mensual".split()
)
_TENURES = tuple(
    "tenure tenure_months months_tenure antiguedad_meses antiguedad months_on_book tenure_in_months".split()
)
_STARTS = tuple("contract_start contract_started start_date started_on fecha_contrato fecha_inicio".split())
_CHURNED = tuple("churn churned is_churned exited attrition churn_label customer_status baja cancelado".split())
_YES = frozenset("yes y true t 1 si s churned exited cancelled baja left".split())
_OPTED_IN = tuple("optin_time confirm_time timestamp_opt subscribed_at opt_in_time fecha_suscripcion".split())
_OPTED_OUT = tuple(
    "unsub_time unsubscribed_at unsubscribe_time opt_out_time clean_time fecha_baja last_changed".split()
)
_STATUS = tuple("status member_status subscription_status email_status estado".split())
_AUDIENCE = frozenset(
    "subscribed unsubscribed cleaned audience member subscriber suscriptor list newsletter boletin".split()
)


def contract_of(guess: TableGuess) -> TableGuess | None:
    """The contract that stands in a customer's row: an amount a month, and a start or a tenure."""
    table = guess.table
    amount = _column(table, _AMOUNTS)
    tenure, start = _column(table, _TENURES), _column(table, _STARTS)
    if guess.entity != "customers" or amount is None or not amount.is_number or (tenure is None and start is None):
        return None
    made_on = table.made_on.isoformat()
    found = TableGuess(table, "contracts", guess.score, None, [*guess.key], guess.key_evidence)
    found.fields["customer_key"] = FieldGuess(guess.key[0], guess.key[0], 1.0, ["one row a customer"])
    if start is not None and start.is_date:
        found.fields["started_on"] = FieldGuess(start.name, start.name, 0.8)
    elif tenure is not None and tenure.is_number:
        sql = f"cast(date '{made_on}' - to_months(cast({named(tenure.name)} as integer)) as date)"
        why = f"YOURS: months of {tenure.name} before the day of the file; {made_on} is when it was last changed"
        found.fields["started_on"] = FieldGuess({"sql": sql}, tenure.name, 0.7, [why])
    else:
        return None
    found.fields["recurring_amount"] = FieldGuess(amount.name, amount.name, 0.9)
    found.fields["period_months"] = FieldGuess({"value": 1}, None, 0.8, [f"{amount.name} is an amount a month"])
    churned = _column(table, _CHURNED)
    if churned is not None:
        gone = [value for value in churned.values if normalised(value) in _YES]
        if gone and churned.distinct <= 5:
            test = f"cast({named(churned.name)} as varchar) in ({', '.join(map(text, gone))})"
            found.fields["cancelled_on"] = FieldGuess(
                {"sql": f"case when {test} then date '{made_on}' end"},
                churned.name, 0.7, ["YOURS: that they went is told, and not when; here the day of the file"],
            )  # fmt: skip
    used = {f.column for f in found.fields.values() if f.column}
    guess.attributes = {name: column for name, column in guess.attributes.items() if column not in used}
    found.notes.append("read from the same file as customers: a row is a customer and the contract")
    return found


def consent_of(guess: TableGuess) -> TableGuess | None:
    """The decision that stands in the row of a mailing tool's member."""
    table = guess.table
    status = _column(table, _STATUS)
    names = {normalised(part) for part in normalised(table.name).split("_")}
    is_out = bool(names & {"unsubscribed", "cleaned"})
    decided = _column(table, _OPTED_OUT if is_out else _OPTED_IN) or _column(table, _OPTED_IN + _OPTED_OUT)
    is_audience = has_word(table.name, _AUDIENCE) and "email" in guess.fields
    if guess.entity != "customers" or not is_audience or decided is None or not decided.is_date:
        return None
    found = TableGuess(table, "consents", guess.score, None, [*guess.key], guess.key_evidence)
    found.fields["customer_key"] = FieldGuess(guess.key[0], guess.key[0], 1.0, ["one row a member"])
    found.fields["purpose"] = FieldGuess({"value": "relationship"}, None, 0.6, ["ASSUMED: mailings"])
    found.fields["channel"] = FieldGuess({"value": "email"}, None, 0.8, ["an audience of e-mail addresses"])
    if status is not None and status.distinct <= 8:
        found.fields["status"] = FieldGuess(status.name, status.name, 0.8)
        translate(found, "status", status)
    else:
        value = "refused" if "cleaned" in names else "withdrawn" if is_out else "granted"
        found.fields["status"] = FieldGuess({"value": value}, None, 0.7, [f"told by the name {table.name}"])
    found.fields["decided_at"] = _decided_at(found, status, decided)
    return found


def _decided_at(found: TableGuess, status: ColumnProfile | None, decided: ColumnProfile) -> FieldGuess:
    """When it was decided: of members who went, when their row was last changed, where both times stand there."""
    left = _column(found.table, _OPTED_OUT)
    values = (
        found.fields["status"].mapping.get("values", {}) if isinstance(found.fields["status"].mapping, dict) else {}
    )
    gone = [value for value, meant in values.items() if meant in ("withdrawn", "refused")]
    if status is None or left is None or left is decided or not left.is_date or not gone:
        return FieldGuess(decided.name, decided.name, 0.8)
    test = f"{named(status.name)} in ({', '.join(map(text, gone))})"
    sql = f"case when {test} then {named(left.name)} else {named(decided.name)} end"
    return FieldGuess({"sql": sql}, decided.name, 0.7, ["CHECK: of those who went, when their row was last changed"])


def _column(table: TableProfile, synonyms: tuple[str, ...]) -> ColumnProfile | None:
    scored = [(nearness(name, synonyms), name) for name in table.columns]
    score, name = max(scored, key=lambda item: item[0])
    return table.columns[name] if score >= 0.7 else None
