"""What companies call things, in English and Spanish: file names by entity, column names by field, values by meaning.

A plain table: a new word is a new word here and nothing else. Within a line the better names stand first. Words are in
small letters without accents, parts joined by _; how a name is compared with them stands in
`clientela.onboard.propose.names`.
"""


def _table(text: str) -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in text.strip().splitlines():
        key, is_named, words = line.rpartition(":")
        name = key.strip() if is_named else name
        table[name] = (*table.get(name, ()), *words.split())
    return table


#: entity → what its files and tables are called
FILES = _table(
    """
    customers: customers clientes customer client cliente contact accounts cuentas socios members households
      demographics users usuarios people
      personas contactos_crm subscribers suscriptores abonados patients pacientes guests huespedes leads prospects crm
      clientela
    products: products productos articulos articles items skus catalogue catalog catalogo referencias servicios tracks
    transactions: transactions transacciones ventas sales orders pedidos order_lines lineas_pedido tickets receipts
      facturas invoices invoice_lines lineas_factura compras purchases baskets till tpv caja charges cargos payments pagos
    contracts: contracts contratos subscriptions suscripciones policies polizas memberships abonos
    interactions: interactions interacciones contacts contactos calls llamadas cases casos incidents incidencias
      complaints quejas reclamaciones support soporte service visits visitas redemptions canjes responses respuestas
      cupones_canjeados atencion emails
    campaigns: campaigns campanas campaign_descriptions acciones promociones_campana
    campaign_contacts: campaign_contacts campaign_members campaign_targets mailings envios sends destinatarios
      impactos
    rewards: rewards points puntos premios regalos gifts loyalty_points movimientos_puntos
    consents: consents consentimientos permissions permisos optins opt_ins rgpd gdpr lopd preferencias
    erasures: erasures erasure_requests deletions supresiones olvido bajas_rgpd derecho_olvido
    """
)

_CUSTOMER = (
    "customer_key: customer_id customer num_cliente id_cliente cliente_id cliente cod_cliente codigo_cliente customer_no "
    "customer_number client_id client account account_id account_no household_id household socio num_socio id_socio "
    "member_id member user_id user usuario id_usuario cuenta id_cuenta abonado buyer_id shopper_id contact_id "
    "customer_key"
)
_PRODUCT = (
    "product_key: product_id product sku articulo id_articulo cod_articulo codigo_articulo producto id_producto "
    "cod_producto item item_id article article_id referencia ref ean upc product_code stock_code stockcode track_id plan plan_id "
    "tarifa product_key"
)
_CAMPAIGN = "campaign_key: campaign_id campaign campana id_campana campana_id cod_campana promo_id accion id_accion"
_CURRENCY = "currency: currency moneda divisa currency_code ccy cod_moneda"
_UPDATED = (
    "updated_at: updated_at updated changed_at changed modified modified_at last_modified modificado actualizado "
    "fecha_modificacion fecha_actualizacion ultima_modificacion last_update lastmodifieddate systemmodstamp"
)
_CHANNEL = "channel: channel canal medium medio via origin"

#: entity → field → what its columns are called
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "customers": _table(
        f"""
        given_name: given_name first_name firstname nombre forename nombre_pila name_first
        family_name: family_name last_name lastname surname apellidos apellido primer_apellido name_last
        full_name: full_name name nombre_completo nombre_y_apellidos nombre_cliente customer_name contact_name titular
        company_name: company_name account_name company razon_social empresa business_name organisation organization
          nombre_fiscal
        email: email e_mail mail correo correo_electronico email_address
        phone: phone telefono billing_phone telephone tel movil mobile phone_number celular tlf num_telefono
        tax_id: tax_id nif dni cif nie vat vat_id vat_number documento passport ssn national_id
        loyalty_id: loyalty_id tarjeta loyalty_card card_no card_number num_tarjeta loyalty_number card
          tarjeta_fidelidad
        birth_date: birth_date birthdate date_of_birth dob fecha_nacimiento nacimiento f_nacimiento birthday
        street: street address direccion domicilio address_line_1 address1 calle street_address
        postal_code: postal_code postcode zip zip_code cp codigo_postal cod_postal
        city: city town mailing_city poblacion ciudad localidad municipio
        region: region province provincia state county comunidad
        country: country pais country_code cod_pais
        language: language idioma locale lang
        acquisition_channel: acquisition_channel came_from canal_captacion origen referral_source lead_source
          utm_source
        acquired_on: acquired_on registered_at signup_date date_registered date_first_purchase created_at created
          created_date optin_time alta fecha_alta registered joined_on
          member_since
        acquisition_cost: acquisition_cost coste_captacion cac
        is_prospect: is_prospect prospect lead potencial es_prospecto
        {_UPDATED}
        """
    ),
    "products": _table(
        f"""
        product_name: product_name name title descripcion description nombre denominacion product_type tipo type
        category: category categoria familia family product_category subfamilia
        department: department departamento seccion section division area
        brand: brand marca
        unit_cost: unit_cost cost coste precio_coste coste_unitario purchase_price standard_cost
        margin_rate: margin_rate margin margen margen_pct
        {_UPDATED}
        """
    ),
    "transactions": _table(
        f"""
        order_key: order_id order_no order_number order sales_order_number order_key basket_id basket ticket
          ticket_id num_ticket pedido
          num_pedido id_pedido receipt receipt_no factura num_factura invoice invoice_no transaction_id transaction
          cart_id venta id_venta
        line_key: line line_no line_id line_number sales_order_line_number order_item_id linea num_linea id_linea
          position posicion item_no order_line_id
        {_CUSTOMER}
        {_PRODUCT}
        {_CAMPAIGN}
        return_of_order_key: returned_order_id return_of ticket_devuelto pedido_devuelto original_order_id
          ticket_original
        store_key: store_id store tienda id_tienda cod_tienda shop_id shop branch sucursal centro
        {_CHANNEL}
        coupon: coupon coupon_code promo_code cupon vale voucher discount_code codigo_promocion
        {_CURRENCY}
        quantity: quantity qty product_qty order_quantity unidades cantidad units uds num_unidades
        unit_of_measure: unit_of_measure uom uo_m unit_measure measure_unit unidad_medida unidad_de_medida um unit unidad
          mengeneinheit einheit unite
        gross_amount: gross_amount gross gross_revenue bruto list_price list_amount importe_bruto subtotal
          total_bruto gross_total
        discount_amount: discount_amount discount coupon_amount total_discount total_discounts descuento dto
          importe_descuento disc retail_disc rebaja
        net_amount: net_amount net net_revenue product_net_revenue neto importe_neto importe net_total line_total
          sales_value sales_amount amount
          revenue total_neto total sales precio_total
        tax_amount: tax_amount tax tax_amt iva importe_iva vat vat_amount cuota_iva
        cost_amount: cost_amount total_product_cost cost coste importe_coste cogs
        tax_rate: tax_rate tipo_iva iva_pct vat_rate porcentaje_iva
        ordered_at: ordered_at placed_at order_date date_created order_date_key fecha_hora fecha_pedido fecha_venta
          sold_at fecha
          transaction_timestamp transaction_date purchase_date invoice_date timestamp datetime date fecha_factura
          created_at created
        promised_on: promised_on due_date promised fecha_prometida entrega_prevista promised_delivery
        delivered_on: delivered_on delivered fecha_entrega entregado delivery_date
        {_UPDATED}
        """
    ),
    "orders": _table(
        f"""
        {_CUSTOMER}
        {_CAMPAIGN}
        store_key: store_id store tienda id_tienda cod_tienda shop_id shop branch sucursal centro
        {_CHANNEL} source source_name
        coupon: coupon coupon_code promo_code cupon vale voucher discount_code codigo_promocion
        status: status financial_status order_status estado state situacion
        {_CURRENCY}
        discount_amount: discount_amount total_discounts total_discount order_discount discount descuento dto
          importe_descuento rebaja discount_total
        shipping_amount: shipping_amount shipping total_shipping shipping_total shipping_price freight portes
          gastos_envio envio
        fee_amount: fee_amount fees fee recargo handling
        tax_amount: tax_amount total_tax taxes tax_total tax iva importe_iva vat_amount cuota_iva
        ordered_at: ordered_at placed_at order_date date_created created_at fecha_hora fecha_pedido fecha_venta
          fecha timestamp datetime date created
        promised_on: promised_on required_date due_date promised fecha_prometida entrega_prevista
        delivered_on: delivered_on shipped_date delivered fecha_entrega entregado delivery_date
        {_UPDATED}
        """
    ),
    "contracts": _table(
        f"""
        {_CUSTOMER}
        {_PRODUCT}
        started_on: started_on start_date start begin_date fecha_inicio inicio fecha_alta alta effective_date
        ends_on: ends_on end_date end fecha_fin fin vencimiento expiry_date fecha_vencimiento
        cancelled_on: cancelled_on cancelled_at cancel_date baja fecha_baja fecha_cancelacion
        cancelled_by: cancelled_by cancelado_por
        cancel_reason: cancel_reason motivo_baja motivo reason churn_reason motivo_cancelacion
        {_CURRENCY}
        recurring_amount: recurring_amount fee cuota premium prima monthly_fee mrr price importe amount precio
        period_months: period_months period periodicidad meses billing_months
        {_UPDATED}
        """
    ),
    "interactions": _table(
        f"""
        customer_key: contact_id who_id {_CUSTOMER.partition(": ")[2]}
        {_CAMPAIGN}
        {_PRODUCT}
        order_key: order_id order_no pedido num_pedido ticket_venta factura
        {_CHANNEL}
        direction: direction sentido direccion in_out
        kind: kind type tipo category motivo case_type tipo_contacto contact_type subject_type
        opened_at: opened_at opened created_at created created_date fecha_apertura apertura fecha_hora fecha call_date
          contact_date date timestamp started_at start
        resolved_at: resolved_at closed_at closed closed_date resolved fecha_cierre cierre resuelto fecha_resolucion
        status: status estado situacion
        outcome: outcome resultado result disposition
        {_CURRENCY}
        amount: amount importe valor value
        agent: agent agente operador operator handled_by gestor comercial
        first_answered_at: first_answered_at first_response_at first_answer first_response primera_respuesta
          fecha_primera_respuesta
        reopened_count: reopened_count reopened reopenings reaperturas veces_reabierto
        satisfaction: satisfaction score satisfaccion csat nota_satisfaccion puntuacion rating valoracion
        minutes: minutes minutos duration_minutes duracion_min duracion
        note: note notes notas observaciones comment comments comentario texto
        {_UPDATED}
        """
    ),
    "campaigns": _table(
        f"""
        campaign_name: campaign_name name nombre title descripcion description
        kind: kind type tipo campaign_type clase
        channel: channel canal medium medio
        goal: goal objetivo objective
        started_on: started_on start_date start inicio fecha_inicio begin_date desde send_time sent_at fecha_envio
        ended_on: ended_on end_date end fin fecha_fin hasta
        budget_amount: budget_amount budget presupuesto
        fixed_cost: fixed_cost coste_fijo cost coste
        unit_cost: unit_cost cost_per_contact coste_unitario coste_contacto
        {_UPDATED}
        """
    ),
    "campaign_contacts": _table(
        f"""
        {_CAMPAIGN}
        {_CUSTOMER}
        role: role rol group grupo is_control treatment
        {_CHANNEL}
        contacted_at: contacted_at sent_at contacted fecha_envio enviado send_date contact_date fecha date
        """
    ),
    "rewards": _table(
        f"""
        {_CUSTOMER}
        kind: kind type tipo movement movimiento tipo_movimiento
        points: points puntos point_amount
        {_CURRENCY}
        value_amount: value_amount value valor importe amount
        rewarded_at: rewarded_at date fecha movement_date fecha_movimiento earned_at created_at timestamp fecha_hora
        """
    ),
    "consents": _table(
        f"""
        {_CUSTOMER}
        purpose: purpose finalidad proposito scope motivo
        {_CHANNEL}
        status: status estado decision granted consent consentimiento
        decided_at: decided_at date fecha decided given_at fecha_decision timestamp changed_at fecha_hora
        """
    ),
    "erasures": _table(
        f"""
        {_CUSTOMER}
        requested_at: requested_at requested date fecha fecha_solicitud solicitado request_date timestamp
        """
    ),
}

#: entity → what the column with its own key is called, beside any `id`
KEYS = _table(
    f"""
    customers: {_CUSTOMER.partition(":")[2]} id codigo cod
    products: {_PRODUCT.partition(":")[2]} id codigo cod
    transactions: line_id order_line_id id_linea transaction_line_id row_id id
    contracts: contract_id contract contrato num_contrato id_contrato policy_id policy poliza num_poliza
      subscription_id id
    interactions: ticket_no ticket_id case_id case_no interaction_id contact_id call_id id_caso num_caso id_contacto
      incidencia id_incidencia id_llamada session_id id
    campaigns: {_CAMPAIGN.partition(":")[2]} id codigo
    campaign_contacts: contact_id send_id id
    rewards: reward_id movement_id id_movimiento id
    consents: consent_id id
    erasures: request_id erasure_id id
    """
)

#: fields by which an entity is known, and how much each says
TELLING: dict[str, dict[str, float]] = {
    "customers": {"given_name": 2, "family_name": 2, "full_name": 1, "email": 2, "phone": 2, "tax_id": 1,
                  "birth_date": 2, "street": 1, "postal_code": 1, "city": 1, "country": 1, "loyalty_id": 1},
    "products": {"product_name": 1, "category": 2, "department": 2, "brand": 2, "unit_cost": 1, "margin_rate": 1},
    "transactions": {"order_key": 2, "line_key": 1, "customer_key": 1, "product_key": 1, "quantity": 2,
                     "gross_amount": 1, "net_amount": 2, "ordered_at": 2, "discount_amount": 1, "store_key": 1},
    "contracts": {"customer_key": 1, "started_on": 2, "ends_on": 1, "cancelled_on": 2, "recurring_amount": 2},
    "interactions": {"customer_key": 1, "kind": 1, "channel": 1, "opened_at": 1, "resolved_at": 2,
                     "satisfaction": 2, "agent": 1, "outcome": 1, "minutes": 1, "direction": 1},
    "campaigns": {"started_on": 2, "ended_on": 2, "campaign_name": 1, "kind": 1, "budget_amount": 2},
    "campaign_contacts": {"campaign_key": 2, "customer_key": 2, "role": 1, "contacted_at": 1},
    "rewards": {"customer_key": 1, "points": 3, "kind": 1, "rewarded_at": 1},
    "consents": {"customer_key": 1, "purpose": 2, "status": 1, "decided_at": 1},
    "erasures": {"customer_key": 1, "requested_at": 1},
}  # fmt: skip

#: (entity, field) → delivered value → the contract's
VALUES: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("interactions", "kind"): _table(
        """
        contact: contacto
        request: question query consulta pregunta peticion solicitud information informacion pedido_informacion
        complaint: queja reclamacion claim
        incident: fault incidencia averia problem problema issue bug
        proposal: propuesta presupuesto quote oferta offer
        installation: instalacion
        maintenance: mantenimiento
        repair: reparacion
        warranty: garantia
        response: respuesta
        session: sesion visit visita
        """
    ),
    ("interactions", "direction"): _table(
        "inbound: in entrante entrada recibida\n outbound: out saliente salida emitida"
    ),
    ("rewards", "kind"): _table(
        """
        earned: earn ganado acumulado acumulacion abono
        redeemed: redeem canjeado canje
        expired: expire caducado
        gift: regalo
        """
    ),
    ("consents", "status"): _table(
        """
        granted: yes true si s 1 y concedido otorgado aceptado opt_in accepted subscribed suscrito
        refused: no false n 0 denegado rechazado cleaned bounced
        withdrawn: retirado revocado opt_out revoked unsubscribed baja
        """
    ),
    ("campaign_contacts", "role"): _table(
        """
        contacted: contactado treatment tratamiento enviado sent test
        held_out: control holdout grupo_control
        chosen: elegido selected
        """
    ),
}  # fmt: skip
for _entity in ("interactions", "consents", "campaign_contacts"):
    VALUES[(_entity, "channel")] = _table(
        """
        phone: telefono call llamada tel
        email: mail e_mail correo
        store: tienda shop till
        visit: visita
        post: correo_postal carta letter
        social: redes facebook instagram twitter
        other: otro otros
        """
    )

#: (entity, field) → a constant where no column tells: the first word of the file's name that is listed decides
CONSTANTS: dict[tuple[str, str], tuple[dict[str, tuple[str, ...]], str | None]] = {
    ("interactions", "kind"): (
        _table(
            """
            response: redemptions redemption canjes canje responses respuestas
            complaint: complaints quejas reclamaciones
            incident: incidents incidencias averias
            session: visits sessions sesiones
            """
        ),
        "contact",
    ),
    ("rewards", "kind"): (_table("redeemed: redemptions canjes\n gift: gifts regalos"), "earned"),
    ("consents", "purpose"): ({}, "relationship"),
    ("consents", "status"): ({}, "granted"),
    ("campaign_contacts", "role"): ({}, "contacted"),
    ("transactions", "channel"): (
        _table(
            """
            store: till tpv caja tickets ticket tienda store receipts
            web: web online shop ecommerce webshop internet
            """
        ),
        None,
    ),
}

#: words of tables of refunds, and of columns that hold what was given back
REFUNDS = frozenset("refund return devolucion devolucione abono reembolso credit creditnote rectificativa".split())
GIVEN_BACK = frozenset("refund refunded reembolso reembolsado devuelto devolucion".split())
#: states of an order line that make it a return
RETURNED = ("returned", "return", "refund", "refunded", "devuelto", "devolucion", "abono", "d")
STATES = ("status", "estado", "tipo", "type", "kind")
#: prices of one unit, from which a line's gross amount follows
UNIT_PRICES = ("unit_price", "price", "precio_unitario", "precio", "pvp", "price_each")
#: units that a quantity is measured in, and words for pieces, of which the contract names no unit
MEASURES = frozenset(
    "kg kgs kilo kilos kilogram kilogramo kilogramm g gr grs gram gramo gramos gramm t ton tonne tonelada "
    "lb lbs pound pounds oz ounce l lt ltr litre liter litro litros ml cl hl gal gallon galon m mt mtr metre meter metro "
    "metros cm mm km ft foot feet in inch yd yard m2 sqm sqft m3 cbm h hr hrs hour hours hora horas std stunde stunden "
    "min minute minutes minuto minutos minuten day days dia dias tag tage kwh".split()
)
PIECES = frozenset(
    "u ud uds un und unds unid unidad unidades unit units pc pcs pce pieza piezas pza pzas piece pieces ea each st stk "
    "stuck stueck c62 item items box boxes caja cajas pack packs paquete paquetes bottle bottles botella botellas flasche "
    "can cans lata latas dose bag bags bolsa bolsas saco sacos pair pairs par pares paar set sets juego juegos".split()
)
SPANISH = frozenset(
    "cliente clientes fecha importe nombre apellidos telefono ventas articulo unidades tienda pedido precio direccion "
    "correo linea campana producto descuento moneda canal estado modificado tarjeta socio ticket".split()
)
CURRENCIES = frozenset(
    "EUR USD GBP CHF JPY CNY SEK NOK DKK PLN CZK HUF RON BGN TRY MXN ARS CLP COP PEN UYU BRL CAD AUD NZD INR ZAR MAD".split()
)
