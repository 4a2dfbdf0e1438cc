"""The `clientela.yml` of the invented company: how the four systems' columns map onto the contract.

A text rather than a dumped structure, since people read it as an example.
"""

from clientela.simulate.calendar import ZONE
from clientela.simulate.settings import SimulateSettings

_TEXT = """\
# An invented company, written by `clientela simulate`. What is true about it stands in truth/.
company: Casa Propia
currency: EUR
time_zone: {zone}
reference_folder: reference

sources:
  till:
    decimal_style: comma
    date_format: "%d/%m/%Y"
    datetime_format: "%d/%m/%Y %H:%M:%S"
    amounts_include_tax: true
    ids_from: {{products: webshop, campaigns: loyalty}}
    entities:
      customers:
        files: till/clientes_*.csv
        delivery: upsert
        csv: {{delimiter: ";"}}
        key: id_cliente
        columns:
          given_name: nombre
          family_name: apellidos
          company_name: razon_social
          tax_id: nif
          phone: telefono
          email: correo
          street: direccion
          postal_code: cp
          city: poblacion
          country: pais
          loyalty_id: tarjeta
          acquired_on: {{sql: "left(alta, 10)"}}
          updated_at: actualizado
      transactions:
        files: till/ventas_*.csv
        repeats: drop
        csv: {{delimiter: ";"}}
        key: [ticket, linea]
        columns:
          order_key: ticket
          line_key: linea
          customer_key: socio
          product_key: articulo
          campaign_key: vale
          coupon: vale
          return_of_order_key: ticket_devuelto
          store_key: tienda
          channel: {{value: store}}
          ordered_at: fecha_hora
          quantity: unidades
          gross_amount: bruto
          discount_amount: descuento
          net_amount: importe
          tax_rate: {{sql: "number(iva) / 100"}}
          is_return: {{sql: "tipo = 'D'"}}

  webshop:
    time_zone: UTC
    ids_from: {{campaigns: loyalty}}
    entities:
      customers:
        files: webshop/customers_*.parquet
        delivery: upsert
        key: user_id
        columns:
          given_name: first_name
          family_name: last_name
          company_name: company
          email: email
          phone: phone
          tax_id: vat_id
          loyalty_id: loyalty_card
          birth_date: birth_date
          street: address
          postal_code: zip
          city: city
          country: country
          language: locale
          acquisition_channel: acquisition_channel
          acquired_on: registered_at
          is_prospect: {{sql: "not has_ordered"}}
          updated_at: updated_at
      products:
        files: webshop/products.parquet
        key: sku
        columns:
          product_name: title
          category: category
          department: department
          brand: brand
          margin_rate: margin
      transactions:
        files: webshop/order_lines_*.parquet
        repeats: drop
        key: [order_id, line_no]
        columns:
          order_key: order_id
          line_key: line_no
          customer_key: user_id
          product_key: sku
          campaign_key: promo_code
          coupon: promo_code
          return_of_order_key: returned_order_id
          channel: channel
          currency: currency
          ordered_at: ordered_at
          promised_on: promised_on
          delivered_on: delivered_on
          quantity: quantity
          gross_amount: list_amount
          discount_amount: discount
          net_amount: net_amount
          tax_amount: tax
          cost_amount: cost
          is_return: is_return
      contracts:
        files: webshop/subscriptions_*.parquet
        delivery: upsert
        key: subscription_id
        columns:
          customer_key: user_id
          product_key: sku
          started_on: started_on
          ends_on: ended_on
          cancelled_on: cancelled_on
          cancelled_by: cancelled_by
          cancel_reason: reason
          recurring_amount: monthly_amount
          period_months: {{value: 1}}
          updated_at: updated_at
      interactions:
        files: webshop/sessions_*.parquet
        repeats: drop
        key: session_id
        columns:
          customer_key: user_id
          channel: device
          direction: {{value: inbound}}
          kind: {{value: session}}
          opened_at: started_at
          minutes: minutes

  call_centre:
    ids_from: {{products: webshop, campaigns: loyalty}}
    entities:
      customers:
        files: call_centre/contacts_*.jsonl
        delivery: upsert
        format: json_lines
        key: contact_id
        columns:
          full_name: name
          company_name: company
          phone: reach.phone
          email: reach.email
          street: address.street
          postal_code: address.postcode
          city: address.city
          country: address.country
          language: language
          updated_at: updated
      interactions:
        files: call_centre/tickets_*.jsonl
        repeats: drop
        format: json_lines
        key: ticket
        columns:
          customer_key: contact_id
          campaign_key: campaign
          product_key: sku
          channel: channel
          direction: direction
          kind: type
          opened_at: opened
          resolved_at: closed
          status: state
          outcome: outcome
          amount: value
          agent: agent
          satisfaction: score
          minutes: minutes

  loyalty:
    date_format: "%d.%m.%Y"
    datetime_format: "%d.%m.%Y %H:%M:%S"
    entities:
      customers:
        files: loyalty/members_*.{members}
        delivery: upsert
        key: card
        columns:
          loyalty_id: card
          given_name: name
          family_name: surname
          email: e_mail
          phone: mobile
          tax_id: document
          birth_date: birth
          street: street
          postal_code: postcode
          city: town
          country: country
          language: language
          acquired_on: {joined}
          updated_at: changed
      rewards:
        files: loyalty/points_*.csv
        repeats: drop
        key: posting
        columns:
          customer_key: card
          kind: what
          points: points
          value_amount: value_eur
          rewarded_at: posted
      consents:
        files: loyalty/consents_*.csv
        key: entry
        columns:
          customer_key: card
          purpose: purpose
          channel: channel
          status: decision
          decided_at: decided
      erasures:
        files: loyalty/forget_me_*.csv
        key: request
        columns:
          customer_key: card
          requested_at: requested
"""

_CAMPAIGNS = """\
      campaigns:
        files: loyalty/campaigns.csv
        key: campaign
        columns:
          campaign_name: title
          kind: kind
          approach: approach
          channel: channel
          goal: goal
          started_on: starts
          ended_on: ends
          budget_amount: budget
          fixed_cost: fixed_cost
          unit_cost: unit_cost
      campaign_contacts:
        files: loyalty/mailings_*.csv
        key: [campaign, card]
        columns:
          campaign_key: campaign
          customer_key: card
          role: {column: group, values: {mailed: contacted, control: held_out}}
          channel: channel
          contacted_at: day
"""


def configuration(settings: SimulateSettings) -> str:
    """The text of `clientela.yml`."""
    is_excel = settings.writes_excel
    text = _TEXT.format(
        zone=ZONE, members="xlsx" if is_excel else "csv", joined="joined" if is_excel else '{sql: "left(joined, 10)"}'
    )
    return text + (_CAMPAIGNS if settings.campaigns else "")
