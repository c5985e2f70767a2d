"""`type = "experimental_mixture_of_n"`: several candidates, and a model that fuses them."""

from __future__ import annotations

from collections.abc import Mapping

from t0.config.schema import Place, SampledVariantConfig
from t0.variants.best_of_n import CombiningConfig, Component


class MixtureOfNConfig(CombiningConfig, frozen=True, kw_only=True):
    type = "experimental_mixture_of_n"
    supported = False

    fuser: Component

    @property
    def parts(self) -> Mapping[str, SampledVariantConfig]:
        return {"fuser": self.fuser}

    def check_in(self, place: Place) -> None:
        super().check_in(place)
        fuser = place._replace(part="fuser")
        fuser.forbid_tool_mode(self.fuser.json_mode)
        self.fuser.check_in(fuser)
