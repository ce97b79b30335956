"""What tenants are changed to: another profile, a copy under a name of its own."""

import msgspec

from app.document import Document
from engine.scenario.design import Tenant
from engine.scenario.own_models import design_catalog
from engine.workload.profiles import PROFILES
from engine.workload.spec import WorkloadKind, WorkloadSpec

USUAL_AGENTS, USUAL_RATE = 50.0, 1.0
USUAL_WINDOW = 131_072


def with_profile(document: Document, tenant: Tenant, name: str) -> Tenant:
    """The tenant with a profile's figures, and its load where the kind stays the same."""
    closed = tenant.workload.kind is WorkloadKind.AGENTS
    load = float(tenant.workload.agents) if closed else tenant.workload.rate_per_s
    make, window = PROFILES[name], window_of(document, tenant.service)
    workload: WorkloadSpec = make(document.catalog, load, window)
    if (workload.kind is WorkloadKind.AGENTS) != closed:
        usual = USUAL_AGENTS if workload.kind is WorkloadKind.AGENTS else USUAL_RATE
        workload = make(document.catalog, usual, window)
    return msgspec.structs.replace(tenant, workload=workload)


def window_of(document: Document, service: str) -> int:
    """The longest context that a service has."""
    design = document.design()
    catalog = design_catalog(design, document.catalog)
    for pool in design.all_pools():
        if pool.service == service:
            return catalog.llm(pool.model).context_tokens
    return USUAL_WINDOW


def services_of(document: Document) -> list[tuple[str, str]]:
    """Services of the pools, to choose from."""
    names = dict.fromkeys(pool.service for pool in document.design().all_pools())
    return [(name, name) for name in names]
