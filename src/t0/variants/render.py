"""Input and templates to the messages a model sees (`docs/configuration.md`: schemas, templates and messages)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from t0.errors import TemplateNotFound
from t0.templates import Environment
from t0.types.content import Input, InputBlock, ModelBlock, ModelMessage, RawText, Role, Template, Text


class RoleTemplate(Struct, frozen=True):
    """How one of a variant's templates is applied.

    `text_variable` is set for the older spelling without a schema: plain text is then rendered as that variable.
    `has_schema` makes plain text, validated by the schema, render the template without variables.
    """

    key: str
    text_variable: str | None = None
    has_schema: bool = False


class Renderer:
    """The templates of one variant, by name."""

    def __init__(self, environment: Environment, templates: dict[str, RoleTemplate]) -> None:
        self._environment = environment
        self._templates = templates
        self.template_names = frozenset(name for name, template in templates.items() if template.text_variable is None)
        """What template blocks may name: all but the older spelling without a schema, which takes text only."""

    def system(self, system: str | dict[str, Any] | None) -> str | None:
        """The system text; a system template is rendered even when there is no system input."""
        template = self._templates.get("system")
        if template is None:
            if isinstance(system, dict):
                raise TemplateNotFound("system")
            return system
        if template.text_variable is not None:
            return self._render(template, {template.text_variable: system})
        return self._render(template, system if isinstance(system, dict) else {})

    def messages(self, input_: Input) -> list[ModelMessage]:
        return [ModelMessage(m.role, [self._block(b, m.role) for b in m.content]) for m in input_.messages]

    def _block(self, block: InputBlock, role: Role) -> ModelBlock:
        if isinstance(block, Text):
            template = self._templates.get(role)
            if template is None:
                return block
            if template.text_variable is not None:
                return Text(self._render(template, {template.text_variable: block.text}))
            return Text(self._render(template, {})) if template.has_schema else block
        if isinstance(block, Template):
            named = self._templates.get(block.name)
            if named is None:
                raise TemplateNotFound(block.name)
            return Text(self._render(named, block.arguments))
        if isinstance(block, RawText):
            return Text(block.value)
        return block

    def _render(self, template: RoleTemplate, arguments: dict[str, Any]) -> str:
        return self._environment.render(template.key, arguments)
