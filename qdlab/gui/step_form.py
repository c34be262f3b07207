"""The form of one step of a plan."""

from collections.abc import Mapping, Sequence
from typing import Any

from qdlab.gui.form import Form
from qdlab.gui.theme import Theme
from qdlab.live.plan_form import form_fields, problems, purpose_of, title_of


class StepForm(Form):
    """Shows one step; what is wrong with it by itself is said at once."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._kind = ""

    def show_step(self, kind: str, table: Mapping[str, Any], devices: Sequence[str]) -> None:
        """Begin with another step; the plan's devices are offered where one is asked for."""
        self._kind = kind
        offered = {"device": ("", *devices)} if kind == "operator" else {}
        self.purpose.setText(purpose_of(kind))
        self.purpose.setVisible(bool(self.purpose.text()))
        self.show_table(title_of(kind), form_fields(kind), table, offered)

    def show_problems(self, found: Mapping[str, str]) -> None:
        """Also what the plan as a whole finds wrong with this step."""
        super().show_problems({**found, **problems(self._kind, self._texts())})

    def _typed(self) -> None:
        self.show_problems({})
        super()._typed()
