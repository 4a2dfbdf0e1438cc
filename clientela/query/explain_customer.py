"""Why a customer's records are one, why near ones are not, and where each value comes from: asked of the published file."""

from clientela.config.company import Config
from clientela.errors import ClientelaError
from clientela.query.sql import reading_published


def explain_customer(config: Config, customer_id: int) -> list[str]:
    """Why this customer's records are one, why near ones are not, and where each value comes from, in sentences.

    Read from the published file, so that it may be asked at any time; values are shown as the file shows them. Raises
    ClientelaError for a customer that it does not know.
    """
    from clientela.identity.explain import LINKS_SCHEMA, sentences

    with reading_published(config) as marts:
        now = marts.execute(
            "select current_customer_id, retired_on from customer.customer_ids where customer_id = ?", [customer_id]
        ).fetchall()
        found = []
        if now and now[0][0] != customer_id:
            found = [f"Customer {customer_id} was merged on {now[0][1]}; its records are customer {now[0][0]} today."]
            customer_id = now[0][0]
        params = {"customer": customer_id}
        weights = ", ".join(name for name in LINKS_SCHEMA if name not in ("record_id_l", "record_id_r"))
        links = marts.sql(
            f"""
            select customer_record_id as record_id_l, other_customer_record_id as record_id_r, {weights}
            from quality.identity_links where customer_id = $customer or other_customer_id = $customer
            order by status desc, record_id_l, record_id_r
            """,
            params=params,
        ).pl()
        marts.register("shown_links", links.to_arrow())
        records = marts.sql(
            """
            select customer_record_id as record_id, customer_id, source, customer_key as source_key
            from customer.customer_records
            where customer_id = $customer or customer_record_id in (select unnest([record_id_l, record_id_r]) from shown_links)
            """,
            params=params,
        ).pl()
        values = marts.sql(
            """
            select customer_id, field, value, is_winner, rule, customer_record_id as record_id
            from quality.customer_field_values where customer_id = $customer order by field
            """,
            params=params,
        ).pl()
        crosswalk = records.select("record_id", "customer_id")
        if not now and crosswalk.is_empty():
            raise ClientelaError(f"There is no customer {customer_id} in the published marts.")
        found += sentences(customer_id, crosswalk, links, records, values, show_values=True)
        if values.is_empty() and not crosswalk.is_empty():
            found.append("Every value comes from its only delivered record, or an erasure was requested.")
        for event, on, other, cause in marts.execute(
            """
            select event, occurred_on, case when customer_id = $customer then other_customer_id else customer_id end, cause
            from quality.identity_events where customer_id = $customer or other_customer_id = $customer
            order by occurred_at, event
            """,
            params,
        ).fetchall():
            found.append(f"{on}: {event}{f', with customer {other}' if other is not None else ''}: {cause}.")
    return found
