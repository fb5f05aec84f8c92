"""What a new site with assistants begins with: steps of init_system."""

from assistants.models import Agent, Tool
from django_system_ops.services.seeding.initializing import InitContext

__all__ = ["basic_agents", "default_tools"]

_TOOLS = {
    "knowledge-search": {"top": 5},
    "order-status": {"endpoint": "https://orders.example.com/v1"},
    "human-handover": {"queue": "support"},
}
_AGENTS = {
    "ana": ("Ana", "You are Ana. Help customers with orders and returns. Be brief and kind."),
    "bruno": ("Bruno", "You are Bruno. Explain invoices and subscriptions. Never guess amounts."),
}


def default_tools(context: InitContext) -> None:
    """Make the tools, which all tenants share; their keys are for people to fill in."""
    for name, config in _TOOLS.items():
        context.ensure(Tool, {"name": name}, {"config": config})


def basic_agents(context: InitContext) -> None:
    """
    Make two agents for each tenant; nobody gets back a tool that was taken from an agent.

    Their slugs begin with the tenant's: agents of two tenants can become those of one.
    """
    tools = list(Tool.objects.using(context.database).filter(name__in=_TOOLS))
    for tenant in context.tenants:
        for slug, (name, prompt) in _AGENTS.items():
            key = {"tenant": tenant, "slug": f"{tenant.slug}-{slug}"}
            rows = Agent.objects.using(context.database)
            is_new = not rows.filter(**key).exists()
            agent = context.ensure(Agent, key, {"name": name, "system_prompt": prompt})
            if is_new:
                agent.tools.add(*tools)
