"""The small package beside the chapter "Deep Learning Computation".

What one lesson defines and a later lesson, or your own program, needs. Three ideas, one
file each: `init` (initialise a whole model), `tied` (which names are one parameter) and
`device` (the GPU if there is one). It imports nothing but torch.
"""

from .device import try_all_gpus, try_gpu
from .init import params_init
from .report import InitReport
from .tied import tied_parameters

__all__ = ["InitReport", "params_init", "tied_parameters", "try_all_gpus", "try_gpu"]
