"""The evidence kept as tables, so that a night costs what is new and gives what a full run would give.

Belongs here: which tables there are, and bringing them up to date. Does not belong here: what makes a link (`match`) or a
cluster (`cluster`), ids (`registry`), or when it is done.

`Store.update` is the only path: a full run is an update of an empty store. Every step works on what a change can reach
and on nothing else: a changed record changes its node, a node the blocks that it joins or leaves, a block the pairs in
it, a pair a link, and a link the component it lies in. Whatever stays out of reach is as it was. All of it is a cache:
it can be dropped at any time, and is, when the settings, the model or the code are others. It holds normalised personal
values, so it belongs beside the records, never into memory.
"""

from __future__ import annotations

import hashlib
import json

import duckdb
import polars as pl

from clientela.identity import cluster, evidence, exact_rules, namesakes, normalise, pair_weights, placeholders, vetoes
from clientela.identity.explain import LINKS_SCHEMA, name_evidence, node_evidence
from clientela.identity.links import combine
from clientela.identity.model import Model, train, with_common_names
from clientela.identity.settings import IdentitySettings
from clientela.identity.tables import CLEAN_COLUMNS
from clientela.identity.tables import EVIDENCE_TABLES as TABLES

#: tables that outlive another model and other rules: cleaning depends on few settings
_CLEANING = ("default_country", "strip_plus_tags", "use_provider_rules", "extra_placeholders")


class Store:
    """The evidence of one company, in the given schema of an open DuckDB connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, schema: str = "main") -> None:
        self.connection = connection
        self.schema = schema

    def table(self, name: str) -> str:
        return f"{self.schema}.{name}"

    def frame(self, query: str) -> pl.DataFrame:
        """The answer of a query, `{name}` in place of this store's table of that name."""
        found: pl.DataFrame = self.connection.sql(self._named(query)).pl()
        return found

    def run(self, statement: str) -> None:
        self.connection.execute(self._named(statement))

    def count(self, query: str) -> int:
        return int(self.connection.execute(self._named(query)).fetchall()[0][0])

    def _named(self, query: str) -> str:
        return query.format_map({name: self.table(name) for name in (*TABLES, "pairs", "basis")})

    def _insert(self, name: str, frame: pl.DataFrame) -> None:
        if frame.height:
            self.connection.register("incoming_rows", frame.to_arrow())
            self.run(f"insert into {{{name}}} by name select * from incoming_rows")
            self.connection.unregister("incoming_rows")

    def _temp(self, name: str, frame: pl.DataFrame) -> None:
        self.connection.register("incoming_rows", frame.to_arrow())
        self.run(f"create or replace temp table {name} as select * from incoming_rows")
        self.connection.unregister("incoming_rows")

    # ------------------------------------------------------------------ basis

    def _rest_on(self, settings: IdentitySettings, key: str, code: str) -> None:
        """Drop what rests on other settings, another secret or other code; keep what cleaning alone made."""
        matching = settings.matching()
        cleaning = {name: matching[name] for name in _CLEANING}
        basis = {"cleaning": _digest(cleaning, code, duckdb.__version__), "evidence": _digest(matching, code, key)}
        self.run(f"create schema if not exists {self.schema}")
        self.run("create table if not exists {basis} (part varchar, fingerprint varchar)")
        held = dict(self.connection.execute(self._named("select part, fingerprint from {basis}")).fetchall())
        if held.get("cleaning") != basis["cleaning"]:
            self.run("drop table if exists {cleaned_values}")
        if held.get("cleaning") != basis["cleaning"] or held.get("evidence") != basis["evidence"]:
            for name in (*TABLES, "pairs"):
                if name != "cleaned_values":
                    self.run(f"drop table if exists {{{name}}}")
        for name, columns in TABLES.items():
            self.run(f"create table if not exists {{{name}}} ({columns})")
        self.run("delete from {basis} where part in ('cleaning', 'evidence')")
        self.connection.executemany(self._named("insert into {basis} values (?, ?)"), list(basis.items()))

    def _rest_on_model(self, model: Model | None, settings: IdentitySettings) -> None:
        """Pairs weighed by another model, and what was decided by their weights, are weighed and decided again."""
        fields = ", ".join(f"mw_{field} float" for field in model.fields) if model else ""
        model_id = model.id if model else "none"
        held = self.connection.execute(self._named("select fingerprint from {basis} where part = 'model'")).fetchall()
        if held != [(model_id,)]:
            self.run("drop table if exists {pairs}")
            for name in ("keys", "links", "clusters", "joined", "link_evidence", "displaced_evidence"):
                self.run(f"delete from {{{name}}}")
            self.run("delete from {basis} where part = 'model'")
            self.connection.execute(self._named("insert into {basis} values ('model', ?)"), [model_id])
        self.run(
            f"create table if not exists {{pairs}} (node_l bigint, node_r bigint{', ' + fields if fields else ''})"
        )

    def remember_values(self, cache: pl.DataFrame, settings: IdentitySettings, key: str = "", code: str = "") -> None:
        """Take over values that were cleaned before, in `normalise.CACHE_SCHEMA`."""
        self._rest_on(settings, key, code)
        self._insert("cleaned_values", cache)

    # ----------------------------------------------------------------- update

    def update(
        self,
        incoming: str,
        decided: pl.DataFrame,
        settings: IdentitySettings,
        model: Model | None,
        key: str,
        code: str = "",
    ) -> Model | None:
        """Bring all tables up to the records of `incoming`, a relation with the columns of `normalise.RECORD_SCHEMA`.

        `decided`: (record_id_l, record_id_r, decision). Gives the model that weighed, trained here if none was given and
        one was needed.
        """
        self._rest_on(settings, key, code)
        self._update_records(incoming, settings)
        self._update_nodes(decided, key)
        if settings.match != "exact" and model is None and self.count("select count(*) from {nodes}") > 1:
            model = train(self.nodes(), settings, key)
        if settings.match == "exact":
            model = None
        self._rest_on_model(model, settings)
        is_first = self.count(f"select count(*) from (from {{{'keys' if model else 'links'}}} limit 1)") == 0
        self._drop_rare_names()
        self._update_exact_links(settings, is_first)
        if model is not None:
            self._update_pairs(model, settings, key, is_first)
        self._update_links(model, settings, is_first)
        self._update_clusters(model, settings, key, is_first)
        if model is not None and settings.rare_name_probability < 1:
            self._link_rare_names(settings)
        self._doubt()
        self.run("delete from {decisions}")
        self._insert("decisions", decided)
        for name in ("changed_nodes", "changed_records", "decided_now", "gone_nodes", "moved", "reached", "region"):
            self.run(f"drop table if exists temp.{name}")
        return model

    def _update_records(self, incoming: str, settings: IdentitySettings) -> None:
        said = ", ".join(
            name for name in normalise.RECORD_SCHEMA if name not in ("record_id", "source_key", "updated_at")
        )
        self.run(
            f"create or replace temp table delivered as select record_id, hash({said}) as content_hash from {incoming}"
        )
        self.run(
            """
            create or replace temp table changed_records as
            select record_id from delivered anti join {cleaned_records} using (record_id, content_hash)
            union
            select record_id from {cleaned_records} anti join delivered using (record_id)
            """
        )
        fresh = self.frame(f"select records.* from {incoming} as records semi join changed_records using (record_id)")
        self._temp("asked_values", normalise.asked(fresh))
        known = self.frame(
            """
            select known.* from {cleaned_values} as known
            semi join asked_values as asked
            on known.kind = asked.kind and known.raw = asked.raw and known.country is not distinct from asked.country
            """
        )
        cleaned = normalise.clean(fresh, settings, known)
        self._insert("cleaned_values", cleaned.new_cache)
        self._forget_values(incoming)
        for name in ("cleaned_records", "refused_values"):
            self.run(f"delete from {{{name}}} where record_id in (select record_id from changed_records)")
        hashes = self.frame("select record_id, content_hash from delivered semi join changed_records using (record_id)")
        self._insert("cleaned_records", cleaned.records.join(hashes, on="record_id"))
        self._insert("refused_values", cleaned.refused)
        self._update_shared(settings)
        self.run("drop table delivered; drop table asked_values; drop table former_values")

    def _forget_values(self, incoming: str) -> None:
        """Forget the values as delivered that only records which changed or vanished bore."""
        self.run(
            """
            create or replace temp table former_values as
            with
            former as (select * from {cleaned_records} semi join changed_records using (record_id)),
            meant as (
                select unnest(['given_name', 'full_name', 'family_name', 'email', 'phone', 'tax_id', 'street']) as kind,
                    unnest([given, given, family, email, phone, tax_id, street]) as value
                from former
            )
            select distinct kind, raw from {cleaned_values} semi join meant using (kind, value)
            union
            select kind, raw from {cleaned_values} where kind = 'full_name' and second in (select family from former)
            union
            select field, value from {refused_values} semi join changed_records using (record_id)
            """
        )
        if self.count("select count(*) from former_values") == 0:
            return
        borne = " union all ".join(
            f"select '{kind}' as kind, {kind} as raw from {incoming} "
            f"where {kind} in (select raw from former_values where kind = '{kind}')"
            for kind in normalise.KINDS
        )
        self.run(
            f"""
            create or replace temp table forgotten as select * from former_values anti join ({borne}) using (kind, raw);
            delete from {{cleaned_values}} using forgotten
            where cleaned_values.kind = forgotten.kind and cleaned_values.raw = forgotten.raw;
            drop table forgotten
            """
        )

    def _update_shared(self, settings: IdentitySettings) -> None:
        """Which values too many share; records that bear one which began or ceased to be such have changed too."""
        compared = ", ".join(dict.fromkeys(["given", "family", "birth_date", *settings.max_people_per_value]))
        shared = placeholders.shared_values(self.frame(f"select {compared} from {{cleaned_records}}"), settings)
        self._temp("shared_now", shared)
        turned = self.connection.execute(
            self._named(
                """
                select field, list(value) from (
                    (select field, value from shared_now except select field, value from {shared_values})
                    union (select field, value from {shared_values} except select field, value from shared_now)
                ) group by field
                """
            )
        ).fetchall()
        for field, values in turned:
            self.connection.execute(
                self._named(
                    f"""
                    insert into changed_records
                    select record_id from {{cleaned_records}}
                    where cast({field} as varchar) in (select unnest(?))
                        and record_id not in (select record_id from changed_records)
                    """
                ),
                [values],
            )
        self.run("delete from {shared_values}; insert into {shared_values} by name select * from shared_now")
        self.run("drop table shared_now")

    def _update_nodes(self, decided: pl.DataFrame, key: str) -> None:
        """Members and nodes; `changed_nodes`: those that are new; `gone_nodes`: what the vanished ones were."""
        self._temp("decided_now", decided)
        # a record that someone keeps apart is a node of its own
        self.run(
            """
            insert into changed_records
            select distinct unnest([record_id_l, record_id_r]) from (
                (select * from decided_now except select * from {decisions})
                union (select * from {decisions} except select * from decided_now)
            ) where decision = 'never'
            """
        )
        records = self.frame(
            f"select record_id, {', '.join(CLEAN_COLUMNS)} from {{cleaned_records}} semi join changed_records using (record_id)"
        )
        self.connection.register(
            "bare_records",
            placeholders.without(records, self.frame("select field, value from {shared_values}")).to_arrow(),
        )
        kept_apart = (
            "(select unnest([record_id_l, record_id_r]) as record_id from decided_now where decision = 'never')"
        )
        self.connection.execute(
            f"create or replace temp table named as {evidence.named_sql('bare_records', kept_apart)}", {"key": key}
        )
        self.connection.unregister("bare_records")
        self.run(
            "create or replace temp table left_nodes as "
            "select distinct node from {members} where record_id in (select record_id from changed_records)"
        )
        self.run("delete from {members} where record_id in (select record_id from changed_records)")
        self.run("insert into {members} select record_id, node, is_by_home_alone, is_by_home_alone from named")
        self.run(
            """
            create or replace temp table gone_nodes as
            select nodes.* from {nodes} as nodes
            where node in (select node from left_nodes) and node not in (select node from {members})
            """
        )
        self.run("delete from {nodes} where node in (select node from gone_nodes)")
        self.run(
            "create or replace temp table changed_nodes as "
            f"select * from ({evidence.nodes_sql('named')}) as offered anti join {{nodes}} using (node)"
        )
        self.run("insert into {nodes} by name select * from changed_nodes")
        self.run("drop table left_nodes; drop table named")

    def nodes(self, where: str = "") -> pl.DataFrame:
        """The nodes, or those that the condition keeps, with the parts that comparing needs."""
        return evidence.with_parts(self.frame(f"select * from {{nodes}} {where}"))

    def _update_exact_links(self, settings: IdentitySettings, is_first: bool) -> None:
        """Each rule's links in the groups that a changed or vanished node is in; `moved`: the nodes of these."""
        self.run(
            "create or replace temp table moved as select node from changed_nodes union select node from gone_nodes"
        )
        if is_first:
            self.run("delete from {exact_links}; create or replace temp view mine as from {nodes}")
        for name, fields, statement in exact_rules.exact_rules(settings.exact_rules):
            if not is_first:
                touched = " union ".join(
                    f"select {', '.join(fields)} from {table} where {' and '.join(f'{f} is not null' for f in fields)}"
                    for table in ("changed_nodes", "gone_nodes")
                )
                self.run(f"create or replace temp table touched_groups as {touched}")
                self.run(
                    f"create or replace temp table regrouped as select node from {{nodes}} "
                    f"semi join touched_groups using ({', '.join(fields)}) union select node from gone_nodes"
                )
                self.connection.execute(
                    self._named(
                        "delete from {exact_links} where rule = ? and "
                        "(node_l in (select node from regrouped) or node_r in (select node from regrouped))"
                    ),
                    [name],
                )
                self.run("create or replace temp view mine as from {nodes} semi join regrouped using (node)")
                self.run("insert into moved select node from regrouped anti join moved using (node)")
            self.run(f"insert into {{exact_links}} {statement}")
        self.run("drop view mine; drop table if exists touched_groups; drop table if exists regrouped")

    def _update_pairs(self, model: Model, settings: IdentitySettings, key: str, is_first: bool) -> None:
        """Candidate pairs in the blocks that changed, weighed; those of nodes in `reached` were looked at anew."""
        if is_first:
            self._first_pairs(settings)
        else:
            self._reached_pairs(settings)
        self.run(
            "create or replace temp table missing as "
            "select node_l, node_r from wanted anti join {pairs} using (node_l, node_r)"
        )
        missing = self.frame("select * from missing")
        if missing.height:
            nodes = self.nodes("where node in (select node_l from missing union all select node_r from missing)")
            self._insert("pairs", pair_weights.score(nodes, model, settings, missing, key))
        self.run("drop table wanted; drop table missing")

    def _first_pairs(self, settings: IdentitySettings) -> None:
        """`wanted`: the pairs of all blocks, where nothing was known before."""
        self.run(
            f"""
            delete from {{pairs}};
            insert into {{keys}} {evidence.blocking_keys_sql("{nodes}")};
            create or replace temp table wanted as
            with
            blocks as (
                select key from {{keys}} group by key having count(*) between 2 and {settings.max_block_size}
            ),
            mine as (select key, node from {{keys}} semi join blocks using (key))
            select distinct l.node as node_l, r.node as node_r from mine as l join mine as r using (key)
            where l.node < r.node
            """
        )

    def _reached_pairs(self, settings: IdentitySettings) -> None:
        """`wanted`: the pairs in blocks that changed; of the known pairs of their nodes, those alone are kept."""
        self.run(
            "create or replace temp table old_keys as select * from {keys} where node in (select node from gone_nodes)"
        )
        self.run(f"create or replace temp table new_keys as {evidence.blocking_keys_sql('changed_nodes')}")
        most = settings.max_block_size
        # a block that became too large, or small enough, concerns all its nodes
        self.run(
            f"""
            create or replace temp table reached as
            with
            moved_keys as (select key, sum(change) as change from (
                select key, 1 as change from new_keys union all select key, -1 as change from old_keys
            ) group by key),
            sizes as (
                select key, count(*) as before from {{keys}} semi join moved_keys using (key) group by key
            ),
            turned as (
                select key from moved_keys left join sizes using (key)
                where (coalesce(before, 0) > {most}) <> (coalesce(before, 0) + change > {most}) and coalesce(before, 0) > 0
            )
            select node from changed_nodes
            union select node from {{keys}} semi join turned using (key)
            """
        )
        self.run(
            "delete from {keys} where node in (select node from gone_nodes); insert into {keys} select * from new_keys"
        )
        self.run("delete from reached where node in (select node from gone_nodes)")
        self.run(
            f"""
            create or replace temp table wanted as
            with
            mine as (select key, node from {{keys}} semi join reached using (node)),
            blocks as (
                select key from {{keys}} semi join mine using (key) group by key having count(*) between 2 and {most}
            ),
            others as (
                select keys.key, keys.node, reached.node is not null as is_reached
                from {{keys}} as keys semi join blocks using (key) left join reached on keys.node = reached.node
            )
            select distinct least(mine.node, others.node) as node_l, greatest(mine.node, others.node) as node_r
            from mine join others using (key)
            where mine.node < others.node or (mine.node > others.node and not others.is_reached)
            """
        )
        self.run(
            """
            create or replace temp table known_pairs as
            select pairs.* from {pairs} as pairs
            where node_l in (select node from reached) or node_r in (select node from reached)
            """
        )
        self.run(
            """
            delete from {pairs} where
                node_l in (select node from reached union all select node from gone_nodes)
                or node_r in (select node from reached union all select node from gone_nodes)
            """
        )
        self.run("insert into {pairs} select known_pairs.* from known_pairs semi join wanted using (node_l, node_r)")
        self.run(
            "insert into moved select node from reached anti join moved using (node);"
            "drop table old_keys; drop table new_keys; drop table known_pairs; drop table reached"
        )

    def _update_links(self, model: Model | None, settings: IdentitySettings, is_first: bool) -> None:
        """One link per pair that deserves it, for pairs that touch a node whose evidence moved."""
        for name in ("{decisions}", "decided_now"):
            self.run(
                f"""
                insert into moved
                select node from {{members}}
                where record_id in (select unnest([record_id_l, record_id_r]) from {name})
                    and node not in (select node from moved)
                """
            )
        within = "true" if is_first else "node_l in (select node from moved) or node_r in (select node from moved)"
        always = self._decisions_on_nodes(cluster.ALWAYS).with_columns(
            pl.lit(cluster.ALWAYS).alias("rule"), pl.lit(cluster.ALWAYS_WEIGHT).alias("weight")
        )
        exact = self.frame(f"select * from {{exact_links}} where {within}")
        weighed = self._weighed("moved", model, is_first)
        links = combine(pl.concat([always.select(exact.columns), exact]), weighed, settings)
        self.run(f"delete from {{links}} where {within}")
        self._insert("links", links)

    def _decisions_on_nodes(self, decision: str) -> pl.DataFrame:
        return self.frame(
            f"""
            select distinct least(l.node, r.node) as node_l, greatest(l.node, r.node) as node_r
            from decided_now join {{members}} as l on l.record_id = record_id_l join {{members}} as r on r.record_id = record_id_r
            where decision = '{decision}' and l.node <> r.node
            """
        )

    def _update_clusters(self, model: Model | None, settings: IdentitySettings, key: str, is_first: bool) -> None:
        """Cluster anew the components that a moved node is in, or came into, and say why."""
        if is_first:
            self.run("delete from {clusters}; delete from {link_evidence}")
        else:
            self._clear_region()
        links = self.frame(f"select * from {{links}} {'' if is_first else 'where node_l in (select node from region)'}")
        linked = pl.concat([links["node_l"], links["node_r"]]).unique()
        self._temp("linked_nodes", linked.to_frame("node"))
        marked = self.nodes("semi join linked_nodes using (node)")
        if model is not None:
            marked = with_common_names(marked, model, key)
        else:
            marked = marked.with_columns(pl.lit(False).alias("is_given_common"))
        are_homes_shared = model is None or model.are_homes_shared

        def find_vetoes(asked: pl.DataFrame) -> pl.DataFrame:
            return vetoes.vetoed(
                marked, asked, settings.vetoes, are_homes_shared=are_homes_shared, threads=settings.threads
            )

        never = self._decisions_on_nodes(cluster.NEVER)
        done = cluster.cluster(linked, links, settings, find_vetoes, never)
        components = cluster.components(linked, links).rename({"cluster": "component"})
        self._insert(
            "clusters",
            done.clusters.join(components, on="node").with_columns(
                pl.col("cluster").is_in(done.oversized["cluster"].implode()).alias("is_oversized")
            ),
        )
        weighed = self._weighed("region", model, is_first)
        self._insert("link_evidence", node_evidence(links, done, weighed, model, settings))
        self.run("drop table linked_nodes")

    def _clear_region(self) -> None:
        """`region`: the nodes of all components that a moved node is in or came into; nothing is held of them any more."""
        self.run(
            """
            create or replace temp table region as
            with
            ends as (
                select node_l as node from {links} where node_r in (select node from moved)
                union select node_r from {links} where node_l in (select node from moved)
                union select node from moved
            ),
            touched as (select distinct component from {clusters} semi join ends using (node))
            select node from {clusters} semi join touched using (component)
            union select node from ends;
            delete from {clusters} where node in (select node from region);
            delete from {link_evidence} where
                node_l in (select node from region union all select node from gone_nodes)
                or node_r in (select node from region union all select node from gone_nodes)
            """
        )

    def _weighed(self, nodes: str, model: Model | None, is_first: bool) -> pl.DataFrame | None:
        """The pairs that one of the nodes of a temporary table is in, weighed; on the first run all of them."""
        if model is None:
            return None
        within = f"where node_l in (select node from {nodes}) or node_r in (select node from {nodes})"
        return pair_weights.weigh(self.frame(f"select * from {{pairs}} {'' if is_first else within}"), model)

    def _doubt(self) -> None:
        """Say anew which links by name and home alone are doubtful: all but those of one phone where nobody else is known.

        Whoever else is known there, on the phone or in the home of either, has another initial. Looked at of all nodes each
        night, since a link that stands becomes doubtful when a relative is first heard of.
        """
        self.run(
            """
            create or replace temp table of_families as
            with said as (
                select node, upper(left(given, 1)) as initial,
                    unnest([phone, street || chr(31) || postal_code, street || chr(31) || city]) as shared
                from {nodes} where regexp_matches(given, '^\\p{{L}}')
            )
            select distinct node from said where shared in (
                select shared from said where shared is not null group by shared having count(distinct initial) > 1
            );
            create or replace temp table on_own_phone as
            select node, phone from {nodes} where phone is not null and node not in (select node from of_families);
            create or replace temp table doubts as
            select node_l, node_r, not coalesce(l.phone = r.phone, false) as is_doubtful
            from {link_evidence} left join on_own_phone as l on l.node = node_l left join on_own_phone as r on r.node = node_r
            where is_by_home_alone;
            update {link_evidence} as evidence set is_doubtful = doubts.is_doubtful from doubts
            where doubts.node_l = evidence.node_l and doubts.node_r = evidence.node_r
                and evidence.is_by_home_alone and evidence.is_doubtful <> doubts.is_doubtful;
            update {members} as members set is_doubtful = not members.is_doubtful
            where is_by_home_alone and is_doubtful = (node in (select node from on_own_phone));
            drop table doubts;
            drop table of_families; drop table on_own_phone
            """
        )

    # -------------------------------------------------------------- rare names

    def _drop_rare_names(self) -> None:
        """All links by rare names go before anything else is decided; the evidence that they stood in for comes back."""
        self.connection.execute(self._named("delete from {link_evidence} where rule = ?"), [namesakes.RARE_NAME])
        self.run(
            "delete from {joined}; insert into {link_evidence} by name from {displaced_evidence};"
            "delete from {displaced_evidence}"
        )

    def _link_rare_names(self, settings: IdentitySettings) -> None:
        """Join customers of one rare name of whom nothing else can be compared.

        The names of all are counted each night; of a company with one source no two could be joined.
        """
        if self.count("select count(distinct source) from {cleaned_records}") < 2:
            return
        self._describe_customers()
        [(customers, records)] = self.connection.execute(
            "select count(distinct customer), (select count(*) from described) from named_customers"
        ).fetchall()
        if customers >= namesakes.MIN_CUSTOMERS:
            found = namesakes.weigh(self._names(customers), settings.rare_name_probability, records - customers)
            self._join_rare_names(found, settings)
        self.run("drop table described; drop table known_customers; drop table named_customers")

    def _describe_customers(self) -> None:
        """`described`: what each record tells of its customer; `known_customers`: of whom what is known, as bits, from
        which sources; `named_customers`: their full names, without initials and lost letters, each with its first node."""
        shared = {
            field: f"{field} is not null and cast({field} as varchar) not in "
            f"(select value from {self.table('shared_values')} where field = '{field}')"
            for field in ("email", "phone", "tax_id", "loyalty_id", "birth_date")
        }
        fields = [*shared.values(), "coalesce(street, postal_code, city) is not null"]
        bits = " | ".join(f"case when {is_known} then {1 << bit} else 0 end" for bit, is_known in enumerate(fields))
        self.run(
            f"""
            create or replace temp table described as
            with sources as (
                select source, 1::bigint << ((row_number() over (order by source) - 1) % 62) as source_bit
                from (select distinct source from {{cleaned_records}})
            )
            select coalesce(cluster, node) as customer, node, given, family, generation, source_bit, {bits} as known_bits
            from {{cleaned_records}} join {{members}} using (record_id) left join {{clusters}} using (node)
                join sources using (source)
            """
        )
        self.run(
            f"""
            create or replace temp table known_customers as
            select customer, bit_or(source_bit) as source_bits, bit_or(known_bits) as known_bits,
                bit_or(known_bits) & {1 << list(shared).index("birth_date")} > 0 as has_birth_date,
                min(generation) as generation
            from described group by customer;
            create or replace temp table named_customers as
            select customer, given, family, min(node) as node
            from described
            where given is not null and family is not null
                and not regexp_matches(given || ' ' || family, '(^| )[^ ]( |$)|[?]')
            group by all
            """
        )

    def _names(self, customers: int) -> namesakes.Names:
        """How the customers are named, and who of one name could be one person."""
        [(open_pairs,)] = self.connection.execute(
            """
            with kinds as (
                select source_bits, known_bits, count(*) as customers from known_customers
                semi join named_customers using (customer) group by all
            )
            select coalesce(sum(l.customers * r.customers), 0)::bigint // 2 from kinds as l join kinds as r
            on l.source_bits & r.source_bits = 0 and l.known_bits & r.known_bits = 0
            """
        ).fetchall()
        return namesakes.Names(
            customers=customers,
            open_pairs=open_pairs,
            given=self.frame("select given, count(distinct customer) as bearers from named_customers group by given"),
            family=self.frame(
                """
                select word, position, count(distinct customer) as bearers from (
                    select customer, unnest(string_split(family, ' ')) as word,
                        generate_subscripts(string_split(family, ' '), 1) as position
                    from named_customers
                ) group by all
                """
            ),
            full=self.frame(
                """
                select given, family, count(*) filter (where has_birth_date) as dated
                from named_customers join known_customers using (customer) group by all
                """
            ),
            pairs=self._open_pairs(),
        )

    def _open_pairs(self) -> pl.DataFrame:
        """Pairs of one name, borne by two or three customers, that no source, field, veto or decision tells apart."""
        self.run(
            """
            create or replace temp table barred as
            select coalesce(l.cluster, node_l) as one, coalesce(r.cluster, node_r) as other from {link_evidence}
            left join {clusters} as l on l.node = node_l left join {clusters} as r on r.node = node_r
            where status = 'cut'
            union
            select coalesce(lc.cluster, l.node), coalesce(rc.cluster, r.node) from decided_now
            join {members} as l on l.record_id = record_id_l join {members} as r on r.record_id = record_id_r
            left join {clusters} as lc on lc.node = l.node left join {clusters} as rc on rc.node = r.node
            where decision = 'never'
            """
        )
        found = self.frame(
            """
            with borne as (
                select given, family, count(*) as bearers from named_customers
                group by all having count(*) between 2 and 3
            ),
            sides as (
                select * from named_customers join borne using (given, family) join known_customers using (customer)
            )
            select l.customer as customer_l, r.customer as customer_r, l.given, l.family, l.bearers
            from sides as l join sides as r using (given, family)
            where l.customer < r.customer and l.source_bits & r.source_bits = 0 and l.known_bits & r.known_bits = 0
                and not coalesce(l.generation <> r.generation, false)
                and not exists (from barred where one = l.customer and other = r.customer)
                and not exists (from barred where one = r.customer and other = l.customer)
            order by all
            """
        )
        self.run("drop table barred")
        return found

    def _join_rare_names(self, found: pl.DataFrame, settings: IdentitySettings) -> None:
        """Write what was found of pairs of customers as evidence between two of their nodes, and join the linked."""
        self._temp("found_names", name_evidence(found, settings))
        self.run(
            """
            create or replace temp table named_pairs as
            with speakers as (
                select l.customer as customer_l, r.customer as customer_r, min_by(l.node, (l.node, r.node)) as one,
                    min_by(r.node, (l.node, r.node)) as other
                from found_names join named_customers as l on l.customer = customer_l
                join named_customers as r on r.customer = customer_r and (l.given, l.family) = (r.given, r.family)
                group by all
            )
            select least(one, other) as node_l, greatest(one, other) as node_r, found_names.*
            from found_names join speakers using (customer_l, customer_r);
            insert into {displaced_evidence} by name from {link_evidence} semi join named_pairs using (node_l, node_r);
            delete from {link_evidence} using named_pairs
            where link_evidence.node_l = named_pairs.node_l and link_evidence.node_r = named_pairs.node_r;
            insert into {link_evidence} by name select * exclude (customer_l, customer_r) from named_pairs;
            insert into {joined}
            select unnest([customer_l, customer_r]), customer_l from named_pairs where status = 'linked';
            drop table found_names; drop table named_pairs
            """
        )

    # ------------------------------------------------------------------ asked

    def clusters_sql(self) -> str:
        """(record_id, cluster) for every record; labels of any kind."""
        return self._named(
            """
            select record_id, coalesce(joined.customer, clusters.cluster, node) as cluster
            from {members} left join {clusters} as clusters using (node)
            left join {joined} as joined on joined.cluster = coalesce(clusters.cluster, node)
            """
        )

    def links_sql(self) -> str:
        """The evidence between records, in `explain.LINKS_SCHEMA`: a node is spoken for by its smallest record."""
        weights = ", ".join(name for name in LINKS_SCHEMA if name.endswith("_weight") and name != "match_weight")
        nothing = ", ".join(f"null::double as {name}" for name in weights.split(", "))
        return self._named(
            f"""
            with speakers as (select node, min(record_id) as record_id from {{members}} group by node)
            select least(l.record_id, r.record_id) as record_id_l, greatest(l.record_id, r.record_id) as record_id_r,
                status, rule, match_weight, is_weak, is_doubtful, is_by_home_alone, reason, {weights}
            from {{link_evidence}} join speakers as l on l.node = node_l join speakers as r on r.node = node_r
            union all
            select speakers.record_id, members.record_id, 'linked', 'identical', null, false, members.is_doubtful,
                members.is_by_home_alone, null,
                {nothing}
            from {{members}} as members join speakers using (node) where members.record_id <> speakers.record_id
            """
        )

    def placeholders(self) -> pl.DataFrame:
        """Values that identify nobody, in `placeholders.PLACEHOLDER_SCHEMA`."""
        counted = self.frame(
            "select field, value, reason, count(*) as record_count, null::bigint as people_count "
            "from {refused_values} group by all"
        )
        return pl.concat([counted, self.frame("select * from {shared_values}")]).sort("field", "value", "reason")

    def normalised(self) -> pl.DataFrame:
        """The records as they were compared."""
        records = self.frame(f"select record_id, {', '.join(CLEAN_COLUMNS)} from {{cleaned_records}}")
        return placeholders.without(records, self.frame("select field, value from {shared_values}"))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]
