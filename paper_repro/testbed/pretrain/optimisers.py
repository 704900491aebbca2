"""Two optimisers, Muon for the matrices inside the blocks and AdamW for the rest, and their learning-rate schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paper_repro.testbed.pretrain.settings import PretrainSettings

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

MUON_MOMENTUM = 0.95
ADAMW_BETAS = (0.9, 0.95)


class Optimisers:
    """Muon and AdamW as one.

    Attributes:
        named: Optimiser name (`muon`, `adamw`) to the optimiser.
        parameters: Parameter name to parameter, of all that are trained.
    """

    def __init__(self, model: PreTrainedModel, settings: PretrainSettings):
        import torch

        self.settings = settings
        self.parameters = dict(model.named_parameters())
        matrices = {name for name, p in self.parameters.items() if p.dim() == 2 and "embed" not in name}
        muon = [self.parameters[name] for name in self.parameters if name in matrices]
        adamw = [self.parameters[name] for name in self.parameters if name not in matrices]
        self.named: dict[str, torch.optim.Optimizer] = {
            "muon": torch.optim.Muon(
                muon, lr=settings.matrix_lr, momentum=MUON_MOMENTUM, weight_decay=settings.matrix_decay
            ),
            "adamw": torch.optim.AdamW(adamw, lr=settings.other_lr, betas=ADAMW_BETAS, weight_decay=0.0, fused=True),
        }
        self.peaks = {"muon": settings.matrix_lr, "adamw": settings.other_lr}

    def step(self, step: int, steps: int) -> None:
        """Update all parameters at `step` (from 0) of `steps`, and drop their gradients."""
        import torch

        factor = rate(step, steps, self.settings)
        if self.settings.max_grad_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.settings.max_grad_norm)
        for name, optimiser in self.named.items():
            for group in optimiser.param_groups:
                group["lr"] = self.peaks[name] * factor
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state(self) -> dict[str, torch.Tensor]:
        """All states as `optimiser|parameter|name of the state` to tensor."""
        return {
            f"{optimiser}|{name}|{key}": value
            for optimiser, held in self.named.items()
            for name, parameter in self.parameters.items()
            for key, value in held.state.get(parameter, {}).items()
        }

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what `state` gave."""
        for label, value in state.items():
            optimiser, name, key = label.split("|")
            self.named[optimiser].state[self.parameters[name]][key] = value


def rate(step: int, steps: int, settings: PretrainSettings) -> float:
    """Share of the peak learning rate at `step` (from 0): a rise, a flat part, then a linear fall."""
    rise = min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    fallen = max(0.0, ((step + 1) / steps - settings.flat_share) / (1 - settings.flat_share))
    return rise * (1 - fallen * (1 - settings.final_rate))
