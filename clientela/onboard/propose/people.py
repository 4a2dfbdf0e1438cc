"""Which tables of people and places are no customers, though they have names, addresses and telephone numbers."""

from clientela.onboard.propose.names import has_word, normalised
from clientela.onboard.propose.profile import TableProfile

_CUSTOMERS = frozenset(
    "customer cliente client member socio subscriber suscriptor abonado shopper patient guest".split()
)
#: words of a table's name → who or what is in it
_NAMED: tuple[tuple[str, frozenset[str], bool], ...] = (
    (
        "the company's own people",
        frozenset(
            "employee empleado staff salesperson salespeople vendedor salesrep rep agent agente operador operator "
            "trabajador driver repartidor technician tecnico instructor manager".split()
        ),
        False,
    ),
    (
        "places",
        frozenset("location store tienda shop sucursal almacen warehouse branch sede office oficina".split()),
        True,
    ),
    (
        "suppliers and carriers",
        frozenset(
            "supplier proveedor proveedore vendor fabricante manufacturer shipper carrier transportista courier".split()
        ),
        True,
    ),
    (
        "details of other records",
        frozenset("address addresse direccion direccione metafield checkout cart carrito setting".split()),
        False,
    ),
)
#: columns that only such a table has
_COLUMNS: tuple[tuple[str, frozenset[str]], ...] = (
    (
        "the company's own people",
        frozenset(
            "hire_date hired_on hired_at fecha_contratacion salary salario sueldo nomina reports_to employee_number "
            "employee_id employee_key cod_empleado id_empleado user_role_id is_staff account_owner manager_id".split()
        ),
    ),
    ("the shop itself", frozenset("shop_owner myshopify_domain plan_name plan_display_name".split())),
)


def other_than_customers(table: TableProfile) -> str | None:
    """Whose records the table holds, if they are surely no customers'; None if they may be."""
    names = {normalised(column) for column in [*table.columns, *table.never]}
    key = normalised(next(iter(table.columns), ""))
    for who, columns in _COLUMNS:
        # a customer's record may name its seller; a seller's own is keyed by it
        found = {
            name for name in names & columns if not name.startswith(("employee_", "cod_emp", "id_emp")) or name == key
        }
        if found:
            return f"{who}: it has {', '.join(sorted(found))}"
    for who, words, spares_customers in _NAMED:
        if has_word(table.name, words) and not (spares_customers and has_word(table.name, _CUSTOMERS)):
            return f"{who}, by its name"
    return None
