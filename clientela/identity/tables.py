"""The tables that identity keeps in the warehouse beside its memory: a cache of evidence, and what a night found.

Only names and types are here, so that they can be made without loading what matches. All of them can be dropped at any
time: the next night fills them again from raw and memory.
"""

_CLEAN = (
    "given varchar, family varchar, generation varchar, email varchar, mailbox varchar, phone varchar, tax_id varchar, "
    "is_tax_id_valid boolean, loyalty_id varchar, birth_date date, street varchar, postal_code varchar, city varchar, "
    "country varchar"
)
CLEAN_COLUMNS = ("source", *(column.split()[0] for column in _CLEAN.split(", ")))
#: the fields that evidence is weighed by
WEIGHED_FIELDS = ("given", "family", "birth_date", "email", "phone", "tax_id", "loyalty_id", "address")
#: what a match weight is the sum of: each field's, what speaks for any two records before they are compared, and what was
#: taken off because a house's evidence, or a first name's alone, counts for no more than so much; where a rare name links,
#: what names that go together and relatives of one name take off
WEIGHT_PARTS = (*WEIGHED_FIELDS, "prior", "cap", "namesake")
_LINK = (
    "node_l bigint, node_r bigint, status varchar, rule varchar, match_weight double, is_weak boolean, "
    "is_doubtful boolean, is_by_home_alone boolean, reason varchar, "
    + ", ".join(f"{field}_weight double" for field in WEIGHT_PARTS)
)

#: what `store.Store` keeps up to date
EVIDENCE_TABLES: dict[str, str] = {
    "cleaned_values": "kind varchar, raw varchar, country varchar, value varchar, second varchar, reason varchar",
    "cleaned_records": f"record_id bigint, content_hash ubigint, source varchar, {_CLEAN}",
    "refused_values": "record_id bigint, field varchar, value varchar, reason varchar",
    "shared_values": "field varchar, value varchar, reason varchar, record_count bigint, people_count bigint",
    "decisions": "record_id_l bigint, record_id_r bigint, decision varchar",
    "members": "record_id bigint, node bigint, is_doubtful boolean, is_by_home_alone boolean",
    "nodes": f"node bigint, {_CLEAN}",
    "keys": "key ubigint, node bigint",
    "exact_links": "node_l bigint, node_r bigint, rule varchar, weight double",
    "links": "node_l bigint, node_r bigint, rule varchar, weight double",
    "clusters": "node bigint, component bigint, cluster bigint, is_oversized boolean",
    "joined": "cluster bigint, customer bigint",
    "link_evidence": _LINK,
    "displaced_evidence": _LINK,
}
#: what the last night found, for the models that publish it
FOUND_TABLES: dict[str, str] = {
    "events": "event varchar, customer_id bigint, other_customer_id bigint, record_count bigint, cause varchar",
    "placeholders": "field varchar, value varchar, reason varchar, record_count bigint, people_count bigint",
    "households": "customer_id bigint, household_id bigint, customers bigint",
    "measures": "measure varchar, part varchar, value double",
    "trained_model": "model_id varchar, model varchar, node_count bigint, is_trained boolean, reason varchar",
}
#: what SQL reads of the run under way beside `run.identity_settings`
RUN_TABLES: dict[str, str] = {
    "identity": "evidence_key varchar not null, are_changes_accepted boolean not null",
    "identity_fields": "field varchar, unit varchar, place integer, survivorship varchar",
    "identity_sources": "source varchar, trust integer",
    "identity_ranges": "measure varchar, minimum double, maximum double",
}
