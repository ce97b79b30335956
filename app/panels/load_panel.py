"""Tenants and pools: who shares the fabric and with which rights, and what serves them."""

from pathlib import Path

import msgspec
from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from app.document import Document
from app.models.record_table import Column, Record, RecordTable
from app.panels.edits import parse_whole, perform, read_typed, shown
from app.panels.memory_bar import memory_fit
from app.panels.record_columns import (
    choice_column,
    free_name,
    quantity_column,
    text_column,
    whole_column,
)
from app.panels.record_view import RecordView
from app.panels.tenant_edits import services_of, with_profile
from engine.errors import EngineError
from engine.scenario.design import Deployment, Design, PoolRole, Precision, Router, Tenant
from engine.scenario.own_models import design_catalog
from engine.topology.changes import Batch, Change, SetSection
from engine.workload.profiles import shipped_profiles
from engine.workload.spec import WorkloadKind


class LoadPanel(QWidget):
    """Two tables; each edit of a cell is one command."""

    tenant_chosen = Signal(int)  # its row: the inspector shows all its fields
    pool_chosen = Signal(int)

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self.tenants = RecordView(
            self.tr("Tenants"),
            RecordTable(self._tenant_columns(), self._read_tenants, self._write_tenants),
            self._new_tenant,
            copy=self._copy_tenant,
            empty=self.tr(
                "One tenant: the design's own workload and service level, in the inspector. "
                "Add tenants to let several workloads share the drawn fabric."
            ),
            what=self.tr("tenant"),
        )
        self.pools = RecordView(
            self.tr("Pools"),
            RecordTable(self._pool_columns(), self._read_pools, self._write_pools),
            self._new_pool,
            copy=self._copy_pool,
            empty="",
            kept=1,
            what=self.tr("pool"),
        )
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.tenants)
        split.addWidget(self.pools)
        split.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)
        self.tenants.table.selectionModel().currentRowChanged.connect(self._on_tenant)
        self.tenants.table.clicked.connect(self._on_tenant)
        self.pools.table.selectionModel().currentRowChanged.connect(self._on_pool)
        self.pools.table.clicked.connect(self._on_pool)
        document.changed.connect(self._refresh)
        document.replaced.connect(self._refresh)

    def _refresh(self, *_args: object) -> None:
        self.tenants.model.refresh()
        self.pools.model.refresh()

    def _on_tenant(self, index: QModelIndex, *_args: object) -> None:
        if index.isValid():
            self.tenant_chosen.emit(index.row())

    def _on_pool(self, index: QModelIndex, *_args: object) -> None:
        if index.isValid():
            self.pool_chosen.emit(index.row())

    def _read_tenants(self) -> tuple[Tenant, ...]:
        return self._document.design().tenants

    def _write_tenants(self, rows: tuple[Tenant, ...], text: str) -> None:
        perform(self._document, text, SetSection("tenants", rows))

    def _read_pools(self) -> tuple[Deployment, ...]:
        return self._document.design().all_pools()

    def _write_pools(self, rows: tuple[Deployment, ...], text: str) -> None:
        changes: list[Change] = []
        design = self._document.design()
        if rows[0] != design.deployment:
            changes.append(SetSection("deployment", rows[0]))
        if rows[1:] != design.pools:
            changes.append(SetSection("pools", rows[1:]))
        if changes:
            perform(
                self._document, text, changes[0] if len(changes) == 1 else Batch(tuple(changes))
            )

    def _new_tenant(self) -> Tenant:
        """The first stands for the design's own workload, so that nothing changes at first."""
        design = self._document.design()
        if not design.tenants:
            own = design.all_tenants()[0]
            return msgspec.structs.replace(own, name=self.tr("tenant 1"))
        return self._copy_tenant(design.tenants[-1])

    def _copy_tenant(self, tenant: Tenant) -> Tenant:
        taken = [other.name for other in self._document.design().tenants]
        return msgspec.structs.replace(tenant, name=free_name(tenant.name, taken))

    def _new_pool(self) -> Deployment:
        return self._copy_pool(self._document.design().deployment)

    def _copy_pool(self, pool: Deployment) -> Deployment:
        taken = [other.name for other in self._document.design().all_pools()]
        return msgspec.structs.replace(
            pool, name=free_name(pool.name, taken), replicas=max(pool.replicas, 1)
        )

    def _tenant_columns(self) -> list[Column]:
        tr = self.tr
        return [
            text_column("name", tr("Tenant"), tr("Who asks")),
            choice_column("service", tr("Service"), tr("What it asks: a service of the pools"),
                          lambda: services_of(self._document)),
            Column(title=tr("Workload"), tooltip=tr("A profile with published statistics; "
                   "choosing one draws its figures anew"), read=lambda t: t.workload.profile,
                   write=lambda t, name: with_profile(self._document, t, name), choices=lambda: [(n, p.name) for n, p in shipped_profiles().items()]),
            Column(title=tr("Load"), tooltip=tr("Agents of a closed loop, or requests a second"),
                   read=_load_text, write=self._with_load),
            choice_column("priority", tr("Priority"),
                          tr("0 is admitted first and pushed out last"),
                          lambda: [(str(n), str(n)) for n in range(4)], int),
            quantity_column("slo.ttft_s", tr("TTFT"), tr("Its limit of the first token"), "s",
                            none="-"),
            quantity_column("slo.tpot_s", tr("TPOT"), tr("Its limit of a further token"), "s",
                            none="-"),
            quantity_column("rate_limit_per_s", tr("Rate limit"),
                            tr("Requests a second that are let in; more wait at the gate"), "1/s",
                            high=1e6, none="-"),
            whole_column("most_in_flight", tr("In flight"),
                         tr("Requests beyond the gate at once; 0: no limit")),
        ]  # fmt: skip

    def _pool_columns(self) -> list[Column]:
        tr = self.tr
        roles = [(PoolRole.MIXED.value, tr("mixed")), (PoolRole.PREFILL.value, tr("prefill")),
                 (PoolRole.DECODE.value, tr("decode"))]  # fmt: skip
        routers = [(Router.ROUND_ROBIN.value, tr("round robin")),
                   (Router.LEAST_LOADED.value, tr("least loaded")),
                   (Router.SESSION_STICKY.value, tr("sticky")),
                   (Router.PREFIX_AFFINITY.value, tr("prefix affinity"))]  # fmt: skip
        return [
            text_column("name", tr("Pool"), tr("Replicas that are alike")),
            text_column("service", tr("Service"), tr("Pools of one service answer the same requests")),
            choice_column("role", tr("Role"),
                          tr("Prefill pools hand the KV over to decode pools of their service"),
                          lambda: roles, PoolRole),
            choice_column("model", tr("Model"), tr("The model that it serves"), self._models),
            choice_column("precision", tr("Weights"), tr("Format of the weights"),
                          lambda: [(p.value, p.name) for p in Precision], Precision),
            whole_column("tp", "TP", tr("Chips that share each layer"), 1),
            whole_column("pp", "PP", tr("Pipeline stages"), 1),
            whole_column("ep", "EP", tr("Ranks of experts"), 1),
            whole_column("attention_dp", "DP", tr("Ranks that repeat the attention"), 1),
            whole_column("replicas", tr("Replicas"), tr("0: as many as fit on what is left")),
            whole_column("max_num_seqs", tr("Slots"), tr("Requests in one batch"), 1),
            choice_column("router", tr("Router"), tr("How requests find a replica"),
                          lambda: routers, Router),
            Column(title=tr("Memory"), tooltip=tr("KV that a replica has room for, or why not"),
                   read=self._memory_text, is_wrong=self._is_too_large),
        ]  # fmt: skip

    def _models(self) -> list[tuple[str, str]]:
        catalog = design_catalog(self._document.design(), self._document.catalog)
        models = [(llm.id, llm.name) for llm in catalog.llms.values()]
        return sorted(models, key=lambda model: model[1].casefold())

    def _memory_text(self, pool: Deployment) -> str:
        try:
            found = memory_fit(_served_by(self._document.design(), pool), self._document.catalog)
        except EngineError as error:
            return str(error)
        if found is None:
            return self.tr("no chip drawn")
        if not found.ok:
            return self.tr("does not fit")
        used = 1.0 - found.kv_bytes / found.chip_bytes
        return self.tr("{0:.0%} used, {1:,} KV tokens").format(used, found.kv_tokens)

    def _is_too_large(self, pool: Deployment) -> bool:
        try:
            found = memory_fit(_served_by(self._document.design(), pool), self._document.catalog)
        except EngineError:
            return True
        return found is not None and not found.ok

    def _with_load(self, tenant: Record, typed: str) -> Record:
        load = tenant.workload
        number = typed.removesuffix(self.tr("agents")).strip().replace(",", "")
        if load.kind is WorkloadKind.AGENTS:
            changed = msgspec.structs.replace(load, agents=parse_whole(number, 1, 1_000_000))
        elif load.kind is WorkloadKind.CLIENTS:
            changed = msgspec.structs.replace(load, clients=parse_whole(number, 1, 1_000_000))
        else:
            wanted = self.tr("a rate above 0")
            rate = read_typed(typed, "1/s", 1e-6, 1e6, wanted)
            changed = msgspec.structs.replace(load, rate_per_s=rate)
        return msgspec.structs.replace(tenant, workload=changed)


def _load_text(tenant: Record) -> str:
    load = tenant.workload
    if load.kind is WorkloadKind.AGENTS:
        return f"{load.agents:,} agents"
    if load.kind is WorkloadKind.CLIENTS:
        return f"{load.clients:,}"
    if load.kind is WorkloadKind.TRACE:
        return Path(load.trace_path).name or "-"
    return shown(load.rate_per_s, "1/s")


def _served_by(design: Design, pool: Deployment) -> Design:
    """The design with a pool as its only deployment, as the memory fit reads it."""
    return msgspec.structs.replace(design, deployment=pool, pools=())
